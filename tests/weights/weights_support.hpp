// What the tests of weights share: sets with random values, and a layer's parameters in the terms of the fp64
// reference.
#pragma once

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "recur/recur.hpp"
#include "tests/support/network_case.hpp"
#include "tests/support/network_problem.hpp"
#include "tests/support/random_fill.hpp"

namespace recur::test {

constexpr recur_weights_format kFormats[] = {RECUR_WEIGHTS_PYTORCH, RECUR_WEIGHTS_CUDNN, RECUR_WEIGHTS_KERAS,
                                             RECUR_WEIGHTS_ONNX, RECUR_WEIGHTS_ONEDNN};
inline const char* format_name(recur_weights_format format) {
  const char* names[] = {"", "PyTorch", "cuDNN", "Keras", "ONNX", "oneDNN"};
  return names[format];
}

inline Vector values_of(const recur_tensor& tensor) { return {tensor.values, tensor.values + tensor.elements}; }
inline std::vector<int64_t> shape_of(const recur_tensor& tensor) { return {tensor.shape, tensor.shape + tensor.rank}; }

// Random values, all different, large enough that no gate stays in its middle.
inline std::vector<float> random_tensor(const std::vector<int64_t>& shape, uint64_t seed) {
  int64_t size = 1;
  for (const int64_t dimension : shape) size *= dimension;
  return random_fill(size_t(size), seed, 0.9);
}
inline Vector add_random(Weights& set, const std::string& name, const std::vector<int64_t>& shape, uint64_t seed) {
  const std::vector<float> values = random_tensor(shape, seed);
  set.add(name, shape, values.data());
  return widened(values);
}

inline std::vector<reference::LayerWeights> layer_weights(const Layer& layer, const reference::NetworkShape& shape,
                                                          const std::vector<float>& parameters) {
  std::vector<reference::LayerWeights> all;
  for (int64_t pass = 0; pass < shape.layers * shape.directions; ++pass) {
    reference::LayerWeights w;
    Vector* parts[] = {&w.w_ih, &w.w_hh, &w.b_ih, &w.b_hh, &w.w_hr, &w.peephole};
    for (int which = 0; which < 6; ++which) {
      if ((which == RECUR_PARAMETER_W_HR && shape.projection == 0) ||
          (which == RECUR_PARAMETER_PEEPHOLE && !shape.peepholes))
        continue;
      const recur_parameter_place p =
          layer.parameter(pass / shape.directions, pass % shape.directions, recur_parameter(which));
      const float* begin = parameters.data() + p.offset;
      parts[which]->assign(begin, begin + p.rows * p.columns);
    }
    all.push_back(w);
  }
  return all;
}

// Bit for bit: NaN equals NaN, and -0 is not 0.
inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

// "" or the first difference.
inline std::string difference(const Weights& a, const Weights& b) {
  if (a.count() != b.count()) return std::to_string(a.count()) + " and " + std::to_string(b.count()) + " tensors";
  for (size_t k = 0; k < a.count(); ++k) {
    const recur_tensor x = a[k], y = b.find(x.name);
    if (shape_of(x) != shape_of(y)) return std::string(x.name) + ": another shape";
    if (!same_bits({x.values, x.values + x.elements}, {y.values, y.values + y.elements}))
      return std::string(x.name) + ": other values";
  }
  return "";
}

// The status and text of a call that has to fail.
struct Refusal {
  recur_status status = RECUR_SUCCESS;
  std::string text;
};
template <class Call>
Refusal refusal_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return {error.status(), error.what()};
  }
  return {};
}

}  // namespace recur::test
