// The C interface of weights: arguments checked, then handed on.
#include <memory>
#include <string>
#include <utility>

#include "../arguments.hpp"
#include "../check.hpp"
#include "../plan.hpp"
#include "mapping.hpp"
#include "recur/weights.h"
#include "safetensors.hpp"

namespace {

using recur::Failure;
using recur::guard;
using recur::require_not_null;

// Makes a set, or leaves *weights NULL.
template <class Make>
recur_status make(recur_weights** weights, Make&& make_set) {
  return guard([&] {
    require_not_null("weights", weights);
    *weights = nullptr;
    auto made = std::make_unique<recur_weights>();
    made->set = make_set();
    *weights = made.release();
  });
}

recur_tensor view(const recur::Tensor& t) {
  recur_tensor tensor = {};
  tensor.name = t.name.c_str();
  tensor.type = t.type.c_str();
  tensor.rank = static_cast<int64_t>(t.shape.size());
  tensor.shape = t.shape.data();
  tensor.elements = recur::elements_of(t.shape);
  tensor.values = t.unreadable.empty() ? t.values.data() : nullptr;
  return tensor;
}

void require_text(const char* name, const char* text) {
  require_not_null(name, text);
  if (!recur::is_utf8(text)) throw Failure(RECUR_INVALID_ARGUMENT, std::string(name) + " is no UTF-8");
}

void require_parameters(const recur_layer_plan* plan, recur_weights_format format, const float* parameters,
                        size_t elements, const recur_weights* weights) {
  require_not_null("plan", plan);
  recur::require_known("format", static_cast<int>(format), RECUR_WEIGHTS_ONEDNN);
  require_not_null("weights", weights);
  require_not_null("parameters", parameters);
  const size_t needed = plan->layout.sizes.parameter_elements;
  if (elements != needed)
    throw Failure(RECUR_INVALID_ARGUMENT,
                  "parameter_elements is " + std::to_string(elements) + ", and the plan has " + std::to_string(needed));
}

}  // namespace

recur_status recur_weights_create(recur_weights** weights) {
  return make(weights, [] { return recur::TensorSet(); });
}

void recur_weights_destroy(recur_weights* weights) { delete weights; }

recur_status recur_weights_add(recur_weights* weights, const char* name, int64_t rank, const int64_t* shape,
                               const float* values) {
  return guard([&] {
    require_not_null("weights", weights);
    require_text("name", name);
    recur::require_range("rank", rank, 0, 64);
    if (rank > 0) require_not_null("shape", shape);
    recur::Tensor tensor;
    tensor.name = name;
    if (rank > 0) tensor.shape.assign(shape, shape + rank);
    const int64_t elements = recur::elements_of(tensor.shape);
    if (elements < 0)
      throw Failure(RECUR_INVALID_ARGUMENT, "shape of tensor " + recur::in_quotes(tensor.name) + " is " +
                                                recur::text_of(tensor.shape) +
                                                ": a dimension is negative, or the product too large");
    recur::require_elements("the elements of a tensor", elements, 1);
    if (elements > 0) {
      require_not_null("values", values);
      tensor.values.assign(values, values + elements);
    }
    weights->set.add(std::move(tensor));
  });
}

recur_status recur_weights_set_attribute(recur_weights* weights, const char* name, const char* text) {
  return guard([&] {
    require_not_null("weights", weights);
    require_text("name", name);
    require_text("text", text);
    weights->set.attributes[name] = text;
  });
}

recur_status recur_weights_get_count(const recur_weights* weights, size_t* count) {
  return guard([&] {
    require_not_null("weights", weights);
    require_not_null("count", count);
    *count = weights->set.tensors().size();
  });
}

recur_status recur_weights_get(const recur_weights* weights, size_t index, recur_tensor* tensor) {
  return guard([&] {
    require_not_null("weights", weights);
    require_not_null("tensor", tensor);
    const size_t count = weights->set.tensors().size();
    if (index >= count)
      throw Failure(RECUR_INVALID_ARGUMENT,
                    "index is " + std::to_string(index) + ", and the set has " + std::to_string(count) + " tensors");
    *tensor = view(weights->set.tensors()[index]);
  });
}

recur_status recur_weights_find(const recur_weights* weights, const char* name, recur_tensor* tensor) {
  return guard([&] {
    require_not_null("weights", weights);
    require_not_null("name", name);
    require_not_null("tensor", tensor);
    const recur::Tensor* found = weights->set.find(name);
    if (found == nullptr)
      throw Failure(RECUR_INVALID_ARGUMENT, weights->set.where() + "there is no tensor " + recur::in_quotes(name));
    *tensor = view(*found);
  });
}

recur_status recur_weights_get_attribute(const recur_weights* weights, const char* name, const char** text) {
  return guard([&] {
    require_not_null("weights", weights);
    require_not_null("name", name);
    require_not_null("text", text);
    const auto found = weights->set.attributes.find(name);
    *text = found == weights->set.attributes.end() ? nullptr : found->second.c_str();
  });
}

recur_status recur_weights_read(recur_weights** weights, const char* path) {
  return make(weights, [&] {
    require_not_null("path", path);
    return recur::read_safetensors(path);
  });
}

recur_status recur_weights_parse(recur_weights** weights, const void* bytes, size_t size, const char* name) {
  return make(weights, [&] {
    require_not_null("bytes", bytes);
    return recur::parse_safetensors(bytes, size, name == nullptr ? "" : name);
  });
}

recur_status recur_weights_write(const recur_weights* weights, const char* path) {
  return guard([&] {
    require_not_null("weights", weights);
    require_not_null("path", path);
    recur::write_safetensors(weights->set, path);
  });
}

recur_status recur_weights_import(const recur_layer_plan* plan, recur_weights_format format,
                                  const recur_weights* weights, const char* prefix, float* parameters,
                                  size_t parameter_elements) {
  return guard([&] {
    require_parameters(plan, format, parameters, parameter_elements, weights);
    recur::import_weights(format, plan->descriptor, plan->geometry, weights->set, prefix == nullptr ? "" : prefix,
                          parameters);
  });
}

recur_status recur_weights_export(const recur_layer_plan* plan, recur_weights_format format, const float* parameters,
                                  size_t parameter_elements, const char* prefix, recur_weights* weights) {
  return guard([&] {
    require_parameters(plan, format, parameters, parameter_elements, weights);
    if (prefix != nullptr) require_text("prefix", prefix);
    recur::export_weights(format, plan->descriptor, plan->geometry, parameters, prefix == nullptr ? "" : prefix,
                          weights->set);
  });
}
