// Runs the library's Philox on given counters and keys, for its known-answer test.
#include "kernels/device/philox.cuh"
#include "tests/api/philox_words.hpp"

namespace recur::test {
namespace {

__global__ void words_kernel(const uint32_t* inputs, uint32_t* outputs, int count) {
  int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= count) return;
  const uint32_t* in = inputs + 6 * i;
  device::Philox4 out = device::philox4x32({{in[0], in[1], in[2], in[3]}}, in[4], in[5]);
  for (int k = 0; k < 4; ++k) outputs[4 * i + k] = out.word[k];
}

}  // namespace

cudaError_t philox_words(const uint32_t* inputs, uint32_t* outputs, int count) {
  words_kernel<<<(count + 63) / 64, 64>>>(inputs, outputs, count);
  return cudaGetLastError();
}

}  // namespace recur::test
