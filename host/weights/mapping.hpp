// Where each float of a layer's parameters lies in another library's tensors. One table serves import and export, so
// that they cannot drift apart. Pure: no device.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "../geometry.hpp"
#include "recur/weights.h"
#include "tensor_set.hpp"

namespace recur {

// rows x columns floats: ours row by row from `ours` on, theirs by strides from `theirs` on.
struct Block {
  int64_t ours, theirs;
  int64_t rows, columns;
  int64_t row_stride, column_stride;  // of theirs
  int64_t also_ours = -1;             // our second bias, where theirs is one: 0 on import, added on export
};

struct MappedTensor {
  std::string name;  // without the caller's prefix
  std::vector<int64_t> shape;
  std::vector<Block> blocks;
  int bias_group = -1;  // biases of one group may be absent together; -1: not absent
};

struct Mapping {
  std::vector<MappedTensor> tensors;
  std::vector<std::pair<std::string, std::string>> attributes;  // that export writes; without the prefix
};

const char* name_of(recur_weights_format format);

// Throws a Failure that names what the plan has and the format has not.
Mapping mapping(recur_weights_format format, const recur_layer_descriptor& validated, const Geometry& geometry);

// Both check everything before they write anything.
void import_weights(recur_weights_format format, const recur_layer_descriptor& validated, const Geometry& geometry,
                    const TensorSet& set, const std::string& prefix, float* parameters);
void export_weights(recur_weights_format format, const recur_layer_descriptor& validated, const Geometry& geometry,
                    const float* parameters, const std::string& prefix, TensorSet& set);

}  // namespace recur
