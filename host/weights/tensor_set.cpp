#include "tensor_set.hpp"

#include <utility>

#include "../check.hpp"
#include "recur/weights.h"

namespace recur {

std::string text_of(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (size_t k = 0; k < shape.size(); ++k) text += (k > 0 ? ", " : "") + std::to_string(shape[k]);
  return text + "]";
}

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(const std::string& text) {
  const auto byte = [&](size_t at) { return static_cast<unsigned char>(text[at]); };
  for (size_t k = 0; k < text.size();) {
    const unsigned char first = byte(k);
    if (first < 0x80) {
      ++k;
      continue;
    }
    const size_t more = first >= 0xC2 && first <= 0xDF   ? 1
                        : first >= 0xE0 && first <= 0xEF ? 2
                        : first >= 0xF0 && first <= 0xF4 ? 3
                                                         : 0;
    if (more == 0 || text.size() - k <= more) return false;
    const unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (byte(k + 1) < low || byte(k + 1) > high) return false;
    for (size_t next = 2; next <= more; ++next)
      if ((byte(k + next) & 0xC0) != 0x80) return false;
    k += more + 1;
  }
  return true;
}

std::string in_quotes(const std::string& name) {
  constexpr size_t kMost = 200;
  std::string text = "'";
  for (const char c : name.substr(0, kMost)) text += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  return text + (name.size() > kMost ? "...'" : "'");
}

int64_t elements_of(const std::vector<int64_t>& shape) {
  int64_t elements = 1;
  for (const int64_t dimension : shape)
    if (dimension < 0 || __builtin_mul_overflow(elements, dimension, &elements)) return -1;
  return elements;
}

void TensorSet::add(Tensor tensor) {
  const auto reject = [&](const std::string& reason) {
    throw Failure(RECUR_INVALID_ARGUMENT, where() + "the tensor's name " + in_quotes(tensor.name) + " " + reason);
  };
  if (tensor.name == "__metadata__") reject("is where safetensors files keep their metadata");
  if (!is_utf8(tensor.name)) throw Failure(RECUR_INVALID_ARGUMENT, where() + "a tensor's name is no UTF-8");
  if (!by_name_.emplace(tensor.name, tensors_.size()).second) reject("is there twice");
  tensors_.push_back(std::move(tensor));
}

const Tensor* TensorSet::find(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &tensors_[found->second];
}

}  // namespace recur
