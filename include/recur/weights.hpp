/// Weights and safetensors files of recur/weights.h as an owning handle. @file
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "recur/layer.hpp"
#include "recur/weights.h"

namespace recur {

/** A set of named tensors. Every call throws Error as the C function does. */
class Weights {
 public:
  /** An empty set. */
  Weights() {
    recur_weights* set = nullptr;
    check(recur_weights_create(&set));
    set_.reset(set);
  }
  /** A safetensors file. */
  static Weights read(const std::string& path) {
    recur_weights* set = nullptr;
    check(recur_weights_read(&set, path.c_str()));
    return Weights(set);
  }
  /** A safetensors file that lies in memory. */
  static Weights parse(const void* bytes, size_t size, const std::string& name) {
    recur_weights* set = nullptr;
    check(recur_weights_parse(&set, bytes, size, name.c_str()));
    return Weights(set);
  }
  /** As a safetensors file. */
  void write(const std::string& path) const { check(recur_weights_write(set_.get(), path.c_str())); }

  /** A copy of values, as many as the shape says. */
  void add(const std::string& name, const std::vector<int64_t>& shape, const float* values) {
    check(recur_weights_add(set_.get(), name.c_str(), static_cast<int64_t>(shape.size()), shape.data(), values));
  }
  /** Sets or replaces an attribute. */
  void set_attribute(const std::string& name, const std::string& text) {
    check(recur_weights_set_attribute(set_.get(), name.c_str(), text.c_str()));
  }
  /** How many tensors. */
  size_t count() const {
    size_t count = 0;
    check(recur_weights_get_count(set_.get(), &count));
    return count;
  }
  /** A tensor by its index below count(). */
  recur_tensor operator[](size_t index) const {
    recur_tensor tensor = {};
    check(recur_weights_get(set_.get(), index, &tensor));
    return tensor;
  }
  /** A tensor by its name. */
  recur_tensor find(const std::string& name) const {
    recur_tensor tensor = {};
    check(recur_weights_find(set_.get(), name.c_str(), &tensor));
    return tensor;
  }
  /** Empty if there is no such attribute. */
  std::string attribute(const std::string& name) const {
    const char* text = nullptr;
    check(recur_weights_get_attribute(set_.get(), name.c_str(), &text));
    return text == nullptr ? "" : text;
  }

  /** The layer's parameters, for its DeviceBuffer. */
  std::vector<float> to_parameters(const Layer& layer, recur_weights_format format,
                                   const std::string& prefix = "") const {
    std::vector<float> parameters(layer.sizes().parameter_elements);
    check(recur_weights_import(layer.get(), format, set_.get(), prefix.c_str(), parameters.data(), parameters.size()));
    return parameters;
  }
  /** The layer's parameters into the set. */
  void add_parameters(const Layer& layer, recur_weights_format format, const std::vector<float>& parameters,
                      const std::string& prefix = "") {
    check(recur_weights_export(layer.get(), format, parameters.data(), parameters.size(), prefix.c_str(), set_.get()));
  }
  /** For the C functions; stays the handle's. */
  recur_weights* get() const { return set_.get(); }

 private:
  explicit Weights(recur_weights* set) : set_(set) {}
  struct Destroy {
    void operator()(recur_weights* set) const { recur_weights_destroy(set); }
  };
  std::unique_ptr<recur_weights, Destroy> set_;
};

}  // namespace recur
