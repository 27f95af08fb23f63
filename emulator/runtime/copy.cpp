#include "runtime/copy.hpp"

#include <string>

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

void check_pitches(const Box& box, const Extent& extent) {
  if ((extent.rows > 1 || extent.layers > 1) && extent.width > box.pitch)
    refuse(cudaErrorInvalidPitchValue,
           "a pitch of " + std::to_string(box.pitch) + " bytes for rows of " + std::to_string(extent.width));
  if (extent.layers > 1 && extent.rows > box.layer / box.pitch)
    refuse(cudaErrorInvalidValue,
           std::to_string(extent.rows) + " rows, but a layer has " + std::to_string(box.layer / box.pitch));
}

Place place(const Box& box, const Extent& extent, const char* what) {
  return place_of(reinterpret_cast<const void*>(box.at), span(box, extent), what);
}

// Positions and widths are in bytes where there is no array.
Box box_of(const cudaPitchedPtr& p, const cudaPos& position) {
  const std::uint64_t layer = std::uint64_t{p.pitch} * p.ysize;
  return {address_of(p.ptr) + position.z * layer + position.y * p.pitch + position.x, p.pitch, layer};
}

cudaPitchedPtr pitched(const Box& box, const Extent& extent) {
  return {reinterpret_cast<void*>(box.at), box.pitch, extent.width,
          box.pitch == 0 ? 0 : box.layer / box.pitch};
}

bool is_captured(cudaStream_t stream) { return Scheduler::instance().find(stream)->capture != nullptr; }

}  // namespace

Copy box_copy(const cudaMemcpy3DParms& p) {
  if (p.srcArray != nullptr || p.dstArray != nullptr)
    refuse(cudaErrorNotSupported, "a copy of a CUDA array: arrays are not emulated");
  return {box_of(p.dstPtr, p.dstPos),
          box_of(p.srcPtr, p.srcPos),
          {p.extent.width, p.extent.height, p.extent.depth},
          p.kind};
}

cudaMemcpy3DParms parameters_of(const Copy& c) {
  cudaMemcpy3DParms p{};
  p.srcPtr = pitched(c.from, c.extent);
  p.dstPtr = pitched(c.to, c.extent);
  p.extent = {c.extent.width, c.extent.rows, c.extent.layers};
  p.kind = c.kind;
  return p;
}

Sides checked(const Copy& c) {
  check_pitches(c.to, c.extent);
  check_pitches(c.from, c.extent);
  const Sides sides{place(c.to, c.extent, "the copy's destination"),
                    place(c.from, c.extent, "the copy's source")};
  check_kind(c.kind, sides.to, sides.from);
  return sides;
}

Place checked(const Fill& f) {
  check_pitches(f.to, f.extent);
  if ((f.element != 1 && f.element != 2 && f.element != 4) || f.extent.width % f.element != 0 ||
      f.to.at % f.element != 0)
    refuse(cudaErrorInvalidValue, "memset: elements of " + std::to_string(f.element) + " bytes in rows of " +
                                      std::to_string(f.extent.width));
  const Place at = place(f.to, f.extent, "memset's destination");
  if (at == Place::Pageable) refuse(cudaErrorInvalidValue, "memset: the destination is plain host memory");
  return at;
}

cudaError_t copy(const Copy& c, Waiting waiting, cudaStream_t stream) {
  if (c.extent.empty()) return cudaSuccess;
  const Sides sides = checked(c);
  counters().copies++;
  const bool pageable = sides.to == Place::Pageable || sides.from == Place::Pageable;
  const bool on_device = sides.to == Place::Device && sides.from == Place::Device;
  const bool waits = waiting == Waiting::Async ? pageable && !is_captured(stream) : !on_device;
  if (waits) {
    enqueue_and_wait(stream, c);
    return sticky_error();
  }
  enqueue(stream, c);
  return cudaSuccess;
}

// Memset of device memory does not make the host wait, whichever form is called.
cudaError_t fill(const Fill& f, Waiting waiting, cudaStream_t stream) {
  if (f.extent.empty()) return cudaSuccess;
  const Place at = checked(f);
  counters().fills++;
  if (waiting == Waiting::Blocking && at == Place::Pinned) {
    enqueue_and_wait(stream, f);
    return sticky_error();
  }
  enqueue(stream, f);
  return cudaSuccess;
}

}  // namespace ptxvm::runtime
