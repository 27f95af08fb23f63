#include "pass.hpp"

#include "check.hpp"
#include "kernels/streamed/launch.hpp"

namespace recur {
namespace {

const float* as_floats(const Geometry& g, const void* from, int64_t count, void* room, recur_stream stream) {
  if (count == 0) return nullptr;
  if (g.element == sizeof(float))
    return static_cast<const float*>(aligned_bias(from, static_cast<size_t>(count) * sizeof(float), room, stream));
  RECUR_CUDA(kernels::widen(g.type, from, static_cast<float*>(room), count, stream));
  return static_cast<const float*>(room);
}

size_t rounded(int64_t floats) { return (static_cast<size_t>(floats) * sizeof(float) + 255) / 256 * 256; }

}  // namespace

PassFloats floats_of(const Pass& pass, const void* parameters, void* room, recur_stream stream) {
  const Geometry& g = pass.g;
  const size_t bias = rounded(g.G * g.H);
  const auto floats = [&](recur_parameter which, int64_t count, size_t offset) {
    return as_floats(g, pass.parameter(parameters, which), count, at(room, offset), stream);
  };
  return {floats(RECUR_PARAMETER_B_IH, g.G * g.H, 0), floats(RECUR_PARAMETER_B_HH, g.G * g.H, bias),
          floats(RECUR_PARAMETER_PEEPHOLE, g.K * g.H, 2 * bias)};
}

const float* constants_of(const Pass& pass, const void* parameters, void* room, recur_stream stream) {
  return as_floats(pass.g, pass.parameter(parameters, RECUR_PARAMETER_PEEPHOLE), pass.g.K * pass.g.H, room, stream);
}

const void* state_of_each_row(const Geometry& g, const void* shared, int64_t columns, size_t element, void* room,
                              recur_stream stream) {
  if (shared == nullptr) return nullptr;
  RECUR_CUDA(kernels::copy_rows(
      element, {g.passes(), g.N, columns, shared, columns, 0, room, g.N * columns, columns, nullptr}, stream));
  return room;
}

SweepMask mask_of(const Pass& pass, const int32_t* lengths, const uint8_t* reset, int64_t time, int64_t time_other) {
  const auto of = [&](int64_t t) { return reset != nullptr && t >= 0 && t < pass.g.T ? reset + t * pass.g.N : nullptr; };
  return {lengths, of(time), of(time_other), time, time_other};
}

}  // namespace recur
