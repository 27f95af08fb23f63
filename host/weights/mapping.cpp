#include "mapping.hpp"

#include <unordered_set>

#include "../check.hpp"
#include "attributes.hpp"

namespace recur {
namespace {

[[noreturn]] void reject(const TensorSet& set, const std::string& text) {
  throw Failure(RECUR_INVALID_ARGUMENT, set.where() + text);
}

std::string described(const recur_layer_descriptor& d) {
  const char* cells[] = {"",           "an LSTM",    "a GRU",        "a GRU that resets before",
                         "a tanh RNN", "a ReLU RNN", "a custom cell"};
  const auto count = [](int64_t number, const std::string& what) {
    return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
  };
  return std::string(cells[d.cell]) + " of " + count(d.layers, "layer") + " and " + count(d.directions, "direction") +
         (d.projection_size > 0 ? ", with a projection" : "") + (d.peepholes != 0 ? ", with peepholes" : "");
}

bool begins(const std::string& text, const std::string& with) { return text.compare(0, with.size(), with) == 0; }

// Is this a tensor of a layer of the format's?
bool belongs(recur_weights_format format, const std::string& name) {
  if (format == RECUR_WEIGHTS_CUDNN) return begins(name, "pseudo_layer_");
  if (format != RECUR_WEIGHTS_PYTORCH) return begins(name, "layer_");
  for (const char* tensor : {"weight_ih_l", "weight_hh_l", "weight_hr_l", "bias_ih_l", "bias_hh_l"}) {
    if (!begins(name, tensor)) continue;
    const std::string end = name.substr(std::string(tensor).size());
    const size_t digits = end.find_first_not_of("0123456789");
    return digits == std::string::npos ? !end.empty() : digits > 0 && end.substr(digits) == "_reverse";
  }
  return false;
}

// A tensor that is missing: is it there under another prefix?
std::string hint_of_prefix(const TensorSet& set, const std::string& prefix, const std::string& name) {
  for (const Tensor& t : set.tensors()) {
    const size_t size = t.name.size();
    if (size >= name.size() && t.name.compare(size - name.size(), name.size(), name) == 0)
      return "; there is " + in_quotes(t.name) + ": its prefix is " + in_quotes(t.name.substr(0, size - name.size())) +
             ", not " + in_quotes(prefix);
  }
  return "";
}

// The set's tensors for a mapping, in its order; null where a bias may be absent, and is.
std::vector<const Tensor*> found_tensors(recur_weights_format format, const recur_layer_descriptor& d, const Mapping& m,
                                         const TensorSet& set, const std::string& prefix) {
  std::unordered_set<int> groups_there;
  for (const MappedTensor& mapped : m.tensors)
    if (mapped.bias_group >= 0 && set.find(prefix + mapped.name) != nullptr) groups_there.insert(mapped.bias_group);
  std::vector<const Tensor*> found;
  std::unordered_set<std::string> names;
  for (const MappedTensor& mapped : m.tensors) {
    const Tensor* tensor = set.find(prefix + mapped.name);
    if (tensor == nullptr && mapped.bias_group >= 0 && groups_there.count(mapped.bias_group) == 0) {
      found.push_back(nullptr);
      continue;
    }
    if (tensor == nullptr)
      reject(set, "tensor " + in_quotes(prefix + mapped.name) + " of shape " + text_of(mapped.shape) + " is missing" +
                      hint_of_prefix(set, prefix, mapped.name));
    if (tensor->shape != mapped.shape)
      reject(set, "tensor " + in_quotes(tensor->name) + " has the shape " + text_of(tensor->shape) +
                      ", and the plan expects " + text_of(mapped.shape));
    if (!tensor->unreadable.empty()) reject(set, "tensor " + in_quotes(tensor->name) + " " + tensor->unreadable);
    found.push_back(tensor);
    names.insert(tensor->name);
  }
  for (const Tensor& t : set.tensors()) {
    if (begins(t.name, prefix) && belongs(format, t.name.substr(prefix.size())) && names.count(t.name) == 0)
      reject(set, "tensor " + in_quotes(t.name) + " of shape " + text_of(t.shape) +
                      " has no place in the plan, which is " + described(d));
  }
  return found;
}

// Calls move(place of ours, place of theirs) for every float of a block.
template <class Move>
void walk(const Block& b, Move&& move) {
  for (int64_t row = 0; row < b.rows; ++row)
    for (int64_t column = 0; column < b.columns; ++column)
      move(row * b.columns + column, b.theirs + row * b.row_stride + column * b.column_stride);
}

}  // namespace

void import_weights(recur_weights_format format, const recur_layer_descriptor& d, const Geometry& g,
                    const TensorSet& set, const std::string& prefix, float* parameters) {
  const Mapping m = mapping(format, d, g);
  check_attributes(format, d, set, prefix);
  const std::vector<const Tensor*> found = found_tensors(format, d, m, set, prefix);
  for (size_t k = 0; k < m.tensors.size(); ++k) {
    const float* theirs = found[k] == nullptr ? nullptr : found[k]->values.data();
    for (const Block& block : m.tensors[k].blocks) {
      walk(block, [&](int64_t at, int64_t from) {
        parameters[block.ours + at] = theirs == nullptr ? 0.0f : theirs[from];
        if (block.also_ours >= 0) parameters[block.also_ours + at] = 0.0f;
      });
    }
  }
}

void export_weights(recur_weights_format format, const recur_layer_descriptor& d, const Geometry& g,
                    const float* parameters, const std::string& prefix, TensorSet& set) {
  const Mapping m = mapping(format, d, g);
  std::vector<Tensor> tensors;
  for (const MappedTensor& mapped : m.tensors) {
    if (set.find(prefix + mapped.name) != nullptr)
      reject(set, "tensor " + in_quotes(prefix + mapped.name) + " is there already");
    Tensor tensor;
    tensor.name = prefix + mapped.name;
    tensor.shape = mapped.shape;
    tensor.values.resize(static_cast<size_t>(elements_of(mapped.shape)));
    for (const Block& block : mapped.blocks) {
      walk(block, [&](int64_t at, int64_t to) {
        float& value = tensor.values[static_cast<size_t>(to)];
        value = parameters[block.ours + at];
        // Nothing is added where there is nothing: a -0, or a NaN's bits, stay what they are.
        if (block.also_ours >= 0 && parameters[block.also_ours + at] != 0) value += parameters[block.also_ours + at];
      });
    }
    tensors.push_back(std::move(tensor));
  }
  for (Tensor& tensor : tensors) set.add(std::move(tensor));
  for (const auto& [name, text] : m.attributes) set.attributes[prefix + name] = text;
}

}  // namespace recur
