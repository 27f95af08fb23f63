// Modelled times of a forward step of one layer and direction: arithmetic on the figures of docs/performance-model.md, by
// the sums of docs/kernels/choice.md. They rank residencies; they are no measurements.
#pragma once

#include "device_info.hpp"
#include "geometry.hpp"

namespace recur {

// Of a forward step: a product and the gate kernel; the reset before takes a product and a kernel more, a projection its
// product, and a kernel where rows can stand still.
int streamed_launches(const Geometry& geometry);

double streamed_step_microseconds(const Geometry& geometry, const DeviceInfo& device);

// Of a geometry that a block can hold; a launch takes `chunk` steps.
double block_step_microseconds(const Geometry& geometry, int64_t chunk, const DeviceInfo& device);

}  // namespace recur
