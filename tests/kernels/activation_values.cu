#include "tests/kernels/activation_values.hpp"

#include "recur/device/math.cuh"
#include "tests/support/guarded_buffer.hpp"

namespace recur::test {
namespace {

template <class F>
__global__ void apply(const float* x, float* y, int count, F f) {
  int k = blockIdx.x * blockDim.x + threadIdx.x;
  if (k < count) y[k] = f(x[k]);
}

struct Sigmoid {
  __device__ float operator()(float x) const { return device::StandardActivation::gate(x); }
};
struct Tanh {
  __device__ float operator()(float x) const { return device::StandardActivation::squash(x); }
};
struct Exponential {
  __device__ float operator()(float x) const { return device::exponential(x); }
};

}  // namespace

std::vector<float> activation_values(Function function, const std::vector<float>& x) {
  GuardedBuffer<float> in(x), out(x.size());
  const int count = static_cast<int>(x.size()), blocks = (count + 255) / 256;
  switch (function) {
    case Function::sigmoid: apply<<<blocks, 256>>>(in.get(), out.get(), count, Sigmoid()); break;
    case Function::tanh: apply<<<blocks, 256>>>(in.get(), out.get(), count, Tanh()); break;
    case Function::exponential: apply<<<blocks, 256>>>(in.get(), out.get(), count, Exponential()); break;
  }
  check_cuda(cudaGetLastError(), "launch");
  return out.download();
}

}  // namespace recur::test
