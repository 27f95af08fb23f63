// Copies of lines, rectangles and boxes. The device has one number, 0, also where a call asks for two.
#include <cuda_runtime_api.h>

#include "runtime/copy.hpp"
#include "runtime/enqueue.hpp"

namespace ptxvm::runtime {
namespace {

cudaError_t flat(void* to, const void* from, std::size_t count, cudaMemcpyKind kind, Waiting waiting,
                 cudaStream_t stream) {
  return guarded([&] { return copy(line(address_of(to), address_of(from), count, kind), waiting, stream); });
}

cudaError_t rectangle(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                      std::size_t width, std::size_t rows, cudaMemcpyKind kind, Waiting waiting,
                      cudaStream_t stream) {
  return guarded([&] {
    if (width > to_pitch || width > from_pitch) return cudaErrorInvalidPitchValue;
    const Copy c{{address_of(to), to_pitch, 0}, {address_of(from), from_pitch, 0}, {width, rows}, kind};
    return copy(c, waiting, stream);
  });
}

cudaError_t box(const cudaMemcpy3DParms* p, Waiting waiting, cudaStream_t stream) {
  return guarded([&] {
    if (p == nullptr) return cudaErrorInvalidValue;
    return copy(box_copy(*p), waiting, stream);
  });
}

cudaError_t between(void* to, int to_device, const void* from, int from_device, std::size_t count,
                    Waiting waiting, cudaStream_t stream) {
  return guarded([&] {
    if (to_device != 0 || from_device != 0) return cudaErrorInvalidDevice;
    return copy(line(address_of(to), address_of(from), count, cudaMemcpyDefault), waiting, stream);
  });
}

cudaError_t box_between(const cudaMemcpy3DPeerParms* p, Waiting waiting, cudaStream_t stream) {
  return guarded([&] {
    if (p == nullptr) return cudaErrorInvalidValue;
    if (p->srcDevice != 0 || p->dstDevice != 0) return cudaErrorInvalidDevice;
    const cudaMemcpy3DParms q{p->srcArray, p->srcPos, p->srcPtr, p->dstArray,
                              p->dstPos,   p->dstPtr, p->extent, cudaMemcpyDefault};
    return copy(box_copy(q), waiting, stream);
  });
}

constexpr cudaStream_t none = nullptr;  // the default stream, which legacy() and per_thread() name

}  // namespace
}  // namespace ptxvm::runtime

using namespace ptxvm::runtime;

extern "C" {

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t count, cudaMemcpyKind kind) {
  return flat(to, from, count, kind, Waiting::Blocking, legacy(none));
}
cudaError_t cudaMemcpy_ptds(void* to, const void* from, std::size_t count, cudaMemcpyKind kind) {
  return flat(to, from, count, kind, Waiting::Blocking, per_thread(none));
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t count, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  return flat(to, from, count, kind, Waiting::Async, legacy(stream));
}
cudaError_t cudaMemcpyAsync_ptsz(void* to, const void* from, std::size_t count, cudaMemcpyKind kind,
                                 cudaStream_t stream) {
  return flat(to, from, count, kind, Waiting::Async, per_thread(stream));
}

cudaError_t cudaMemcpy2D(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                         std::size_t width, std::size_t height, cudaMemcpyKind kind) {
  return rectangle(to, to_pitch, from, from_pitch, width, height, kind, Waiting::Blocking, legacy(none));
}
cudaError_t cudaMemcpy2D_ptds(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                              std::size_t width, std::size_t height, cudaMemcpyKind kind) {
  return rectangle(to, to_pitch, from, from_pitch, width, height, kind, Waiting::Blocking, per_thread(none));
}

cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                              std::size_t width, std::size_t height, cudaMemcpyKind kind,
                              cudaStream_t stream) {
  return rectangle(to, to_pitch, from, from_pitch, width, height, kind, Waiting::Async, legacy(stream));
}
cudaError_t cudaMemcpy2DAsync_ptsz(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                                   std::size_t width, std::size_t height, cudaMemcpyKind kind,
                                   cudaStream_t stream) {
  return rectangle(to, to_pitch, from, from_pitch, width, height, kind, Waiting::Async, per_thread(stream));
}

cudaError_t cudaMemcpy3D(const cudaMemcpy3DParms* p) { return box(p, Waiting::Blocking, legacy(none)); }
cudaError_t cudaMemcpy3D_ptds(const cudaMemcpy3DParms* p) {
  return box(p, Waiting::Blocking, per_thread(none));
}
cudaError_t cudaMemcpy3DAsync(const cudaMemcpy3DParms* p, cudaStream_t stream) {
  return box(p, Waiting::Async, legacy(stream));
}
cudaError_t cudaMemcpy3DAsync_ptsz(const cudaMemcpy3DParms* p, cudaStream_t stream) {
  return box(p, Waiting::Async, per_thread(stream));
}

cudaError_t cudaMemcpyPeer(void* to, int to_device, const void* from, int from_device, std::size_t count) {
  return between(to, to_device, from, from_device, count, Waiting::Blocking, legacy(none));
}
cudaError_t cudaMemcpyPeerAsync(void* to, int to_device, const void* from, int from_device, std::size_t count,
                                cudaStream_t stream) {
  return between(to, to_device, from, from_device, count, Waiting::Async, legacy(stream));
}

cudaError_t cudaMemcpy3DPeer(const cudaMemcpy3DPeerParms* p) {
  return box_between(p, Waiting::Blocking, legacy(none));
}
cudaError_t cudaMemcpy3DPeer_ptds(const cudaMemcpy3DPeerParms* p) {
  return box_between(p, Waiting::Blocking, per_thread(none));
}
cudaError_t cudaMemcpy3DPeerAsync(const cudaMemcpy3DPeerParms* p, cudaStream_t stream) {
  return box_between(p, Waiting::Async, legacy(stream));
}
cudaError_t cudaMemcpy3DPeerAsync_ptsz(const cudaMemcpy3DPeerParms* p, cudaStream_t stream) {
  return box_between(p, Waiting::Async, per_thread(stream));
}

}  // extern "C"
