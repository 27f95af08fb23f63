#include "pass.hpp"

#include "check.hpp"
#include "kernels/streamed/launch.hpp"

namespace recur {

const float* floats_of(const Pass& pass, const void* parameters, recur_parameter which, void* room, recur_stream stream) {
  const Geometry& g = pass.g;
  const recur_parameter_place place = g.parameter(pass.layer, pass.direction, which);
  const int64_t count = place.rows * place.columns;
  if (count == 0) return nullptr;
  const void* const from = pass.parameter(parameters, which);
  if (g.element == sizeof(float))
    return static_cast<const float*>(aligned_bias(from, static_cast<size_t>(count) * sizeof(float), room, stream));
  RECUR_CUDA(kernels::widen(g.type, from, static_cast<float*>(room), count, stream));
  return static_cast<const float*>(room);
}

const void* state_of_each_row(const Geometry& g, const void* shared, int64_t columns, size_t element, void* room,
                              recur_stream stream) {
  if (shared == nullptr) return nullptr;
  RECUR_CUDA(kernels::copy_rows(
      element, {g.passes(), g.N, columns, shared, columns, 0, room, g.N * columns, columns, nullptr}, stream));
  return room;
}

namespace {

struct Strides {
  int64_t step, row;
};
Strides strides_of_caller(const recur_layer_plan& plan, int64_t columns) {
  const Geometry& g = plan.geometry;
  if (plan.descriptor.batch_first != 0) return {columns, g.T * columns};
  return {g.N * columns, columns};
}

}  // namespace

void* copy_to_time_first(const recur_layer_plan& plan, int64_t columns, const void* from, void* to,
                         const int32_t* lengths, recur_stream stream) {
  const Geometry& g = plan.geometry;
  const Strides caller = strides_of_caller(plan, columns);
  RECUR_CUDA(kernels::copy_rows(
      g.element, {g.T, g.N, columns, from, caller.step, caller.row, to, g.N * columns, columns, lengths}, stream));
  return to;
}

void copy_from_time_first(const recur_layer_plan& plan, int64_t columns, const void* from, void* to,
                          recur_stream stream) {
  const Geometry& g = plan.geometry;
  const Strides caller = strides_of_caller(plan, columns);
  RECUR_CUDA(kernels::copy_rows(
      g.element, {g.T, g.N, columns, from, g.N * columns, columns, to, caller.step, caller.row, nullptr}, stream));
}

SweepMask mask_of(const Pass& pass, const int32_t* lengths, const uint8_t* reset, int64_t time, int64_t time_other) {
  const auto of = [&](int64_t t) { return reset != nullptr && t >= 0 && t < pass.g.T ? reset + t * pass.g.N : nullptr; };
  return {lengths, of(time), of(time_other), time, time_other};
}

}  // namespace recur
