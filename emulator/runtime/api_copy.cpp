#include <string>

#include "runtime/access.hpp"
#include "runtime/copy.hpp"
#include "runtime/enqueue.hpp"

namespace ptxvm::runtime {
namespace {

// Pinned memory is both the host's and the device's.
void check_kind(cudaMemcpyKind kind, Place to, Place from) {
  const auto wrong = [](const std::string& what) { refuse(cudaErrorInvalidValue, "copy: " + what); };
  if (kind < cudaMemcpyHostToHost || kind > cudaMemcpyDefault)
    refuse(cudaErrorInvalidMemcpyDirection, "copy: kind " + std::to_string(kind) + " does not exist");
  if (kind == cudaMemcpyDefault) return;
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  if (to_device && to == Place::Pageable) wrong("the kind says to the device, the destination is the host's");
  if (!to_device && to == Place::Device) wrong("the kind says to the host, the destination is the device's");
  if (from_device && from == Place::Pageable)
    wrong("the kind says from the device, the source is the host's");
  if (!from_device && from == Place::Device) wrong("the kind says from the host, the source is the device's");
}

cudaError_t flat(void* to, const void* from, std::size_t count, cudaMemcpyKind kind, Waiting waiting,
                 cudaStream_t stream) {
  return guarded([&] {
    return copy({address_of(to), address_of(from), count, count, count, 1}, kind, waiting, stream);
  });
}

cudaError_t rectangle(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                      std::size_t width, std::size_t rows, cudaMemcpyKind kind, Waiting waiting,
                      cudaStream_t stream) {
  return guarded([&] {
    if (width > to_pitch || width > from_pitch) return cudaErrorInvalidPitchValue;
    return copy({address_of(to), address_of(from), to_pitch, from_pitch, width, rows}, kind, waiting, stream);
  });
}

}  // namespace

cudaError_t copy(const Copy& c, cudaMemcpyKind kind, Waiting waiting, cudaStream_t stream) {
  if (c.width == 0 || c.rows == 0) return cudaSuccess;
  const auto place = [&](memory::Address a, std::uint64_t pitch, const char* what) {
    return place_of(reinterpret_cast<const void*>(a), (c.rows - 1) * pitch + c.width, what);
  };
  const Place to = place(c.to, c.to_pitch, "the copy's destination");
  const Place from = place(c.from, c.from_pitch, "the copy's source");
  check_kind(kind, to, from);
  counters().copies++;
  const bool pageable = to == Place::Pageable || from == Place::Pageable;
  const bool on_device = to == Place::Device && from == Place::Device;
  const bool waits = waiting == Waiting::Async ? pageable : !on_device;
  const bool captured = Scheduler::instance().find(stream)->capture != nullptr;
  if (waits && !(captured && waiting == Waiting::Async)) {
    enqueue_and_wait(stream, c);
    return sticky_error();
  }
  enqueue(stream, c);
  return cudaSuccess;
}

}  // namespace ptxvm::runtime

using namespace ptxvm::runtime;

extern "C" {

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t count, cudaMemcpyKind kind) {
  return flat(to, from, count, kind, Waiting::Blocking, cudaStreamLegacy);
}

cudaError_t cudaMemcpy_ptds(void* to, const void* from, std::size_t count, cudaMemcpyKind kind) {
  return flat(to, from, count, kind, Waiting::Blocking, cudaStreamPerThread);
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
  return rectangle(to, to_pitch, from, from_pitch, width, height, kind, Waiting::Blocking, cudaStreamLegacy);
}

cudaError_t cudaMemcpy2D_ptds(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                              std::size_t width, std::size_t height, cudaMemcpyKind kind) {
  return rectangle(to, to_pitch, from, from_pitch, width, height, kind, Waiting::Blocking,
                   cudaStreamPerThread);
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

}  // extern "C"
