// Memset. Of device memory it does not make the host wait.
#include <cuda_runtime_api.h>

#include "runtime/access.hpp"
#include "runtime/enqueue.hpp"

namespace ptxvm::runtime {
namespace {

cudaError_t fill(void* to, std::size_t pitch, int value, std::size_t width, std::size_t rows, Place waits_for,
                 cudaStream_t stream) {
  return guarded([&] {
    if (width > pitch) return cudaErrorInvalidPitchValue;
    if (width == 0 || rows == 0) return cudaSuccess;
    const Place place = place_of(to, (rows - 1) * pitch + width, "memset's destination");
    if (place == Place::Pageable)
      refuse(cudaErrorInvalidValue, "memset: the destination is plain host memory");
    counters().fills++;
    const Fill work{address_of(to), pitch, width, rows, static_cast<unsigned char>(value)};
    if (place == waits_for) {
      enqueue_and_wait(stream, work);
      return sticky_error();
    }
    enqueue(stream, work);
    return cudaSuccess;
  });
}

constexpr Place never = Place::Pageable;  // pageable memory has been refused
constexpr Place pinned = Place::Pinned;

}  // namespace
}  // namespace ptxvm::runtime

using namespace ptxvm::runtime;

extern "C" {

cudaError_t cudaMemset(void* to, int value, std::size_t count) {
  return fill(to, count, value, count, 1, pinned, cudaStreamLegacy);
}

cudaError_t cudaMemset_ptds(void* to, int value, std::size_t count) {
  return fill(to, count, value, count, 1, pinned, cudaStreamPerThread);
}

cudaError_t cudaMemsetAsync(void* to, int value, std::size_t count, cudaStream_t stream) {
  return fill(to, count, value, count, 1, never, legacy(stream));
}

cudaError_t cudaMemsetAsync_ptsz(void* to, int value, std::size_t count, cudaStream_t stream) {
  return fill(to, count, value, count, 1, never, per_thread(stream));
}

cudaError_t cudaMemset2D(void* to, std::size_t pitch, int value, std::size_t width, std::size_t height) {
  return fill(to, pitch, value, width, height, pinned, cudaStreamLegacy);
}

cudaError_t cudaMemset2D_ptds(void* to, std::size_t pitch, int value, std::size_t width, std::size_t height) {
  return fill(to, pitch, value, width, height, pinned, cudaStreamPerThread);
}

cudaError_t cudaMemset2DAsync(void* to, std::size_t pitch, int value, std::size_t width, std::size_t height,
                              cudaStream_t stream) {
  return fill(to, pitch, value, width, height, never, legacy(stream));
}

cudaError_t cudaMemset2DAsync_ptsz(void* to, std::size_t pitch, int value, std::size_t width,
                                   std::size_t height, cudaStream_t stream) {
  return fill(to, pitch, value, width, height, never, per_thread(stream));
}

}  // extern "C"
