// Memset of lines, rectangles and boxes.
#include <cuda_runtime_api.h>

#include "runtime/copy.hpp"
#include "runtime/enqueue.hpp"

namespace ptxvm::runtime {
namespace {

cudaError_t set(void* to, std::size_t pitch, std::size_t layer, int value, const Extent& extent,
                Waiting waiting, cudaStream_t stream) {
  return guarded([&] {
    if (extent.width > pitch) return cudaErrorInvalidPitchValue;
    return fill({{address_of(to), pitch, layer}, extent, static_cast<unsigned char>(value)}, waiting, stream);
  });
}

cudaError_t set(const cudaPitchedPtr& to, int value, const cudaExtent& e, Waiting waiting,
                cudaStream_t stream) {
  return set(to.ptr, to.pitch, to.pitch * to.ysize, value, {e.width, e.height, e.depth}, waiting, stream);
}

constexpr cudaStream_t none = nullptr;  // the default stream, which legacy() and per_thread() name

}  // namespace
}  // namespace ptxvm::runtime

using namespace ptxvm::runtime;

extern "C" {

cudaError_t cudaMemset(void* to, int value, std::size_t count) {
  return set(to, count, 0, value, {count}, Waiting::Blocking, legacy(none));
}
cudaError_t cudaMemset_ptds(void* to, int value, std::size_t count) {
  return set(to, count, 0, value, {count}, Waiting::Blocking, per_thread(none));
}
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t count, cudaStream_t stream) {
  return set(to, count, 0, value, {count}, Waiting::Async, legacy(stream));
}
cudaError_t cudaMemsetAsync_ptsz(void* to, int value, std::size_t count, cudaStream_t stream) {
  return set(to, count, 0, value, {count}, Waiting::Async, per_thread(stream));
}

cudaError_t cudaMemset2D(void* to, std::size_t pitch, int value, std::size_t width, std::size_t height) {
  return set(to, pitch, 0, value, {width, height}, Waiting::Blocking, legacy(none));
}
cudaError_t cudaMemset2D_ptds(void* to, std::size_t pitch, int value, std::size_t width, std::size_t height) {
  return set(to, pitch, 0, value, {width, height}, Waiting::Blocking, per_thread(none));
}
cudaError_t cudaMemset2DAsync(void* to, std::size_t pitch, int value, std::size_t width, std::size_t height,
                              cudaStream_t stream) {
  return set(to, pitch, 0, value, {width, height}, Waiting::Async, legacy(stream));
}
cudaError_t cudaMemset2DAsync_ptsz(void* to, std::size_t pitch, int value, std::size_t width,
                                   std::size_t height, cudaStream_t stream) {
  return set(to, pitch, 0, value, {width, height}, Waiting::Async, per_thread(stream));
}

cudaError_t cudaMemset3D(cudaPitchedPtr to, int value, cudaExtent extent) {
  return set(to, value, extent, Waiting::Blocking, legacy(none));
}
cudaError_t cudaMemset3D_ptds(cudaPitchedPtr to, int value, cudaExtent extent) {
  return set(to, value, extent, Waiting::Blocking, per_thread(none));
}
cudaError_t cudaMemset3DAsync(cudaPitchedPtr to, int value, cudaExtent extent, cudaStream_t stream) {
  return set(to, value, extent, Waiting::Async, legacy(stream));
}
cudaError_t cudaMemset3DAsync_ptsz(cudaPitchedPtr to, int value, cudaExtent extent, cudaStream_t stream) {
  return set(to, value, extent, Waiting::Async, per_thread(stream));
}

}  // extern "C"
