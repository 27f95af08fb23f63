// Named tensors and attributes in host memory: what lies between a file and a layer's parameters. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace recur {

struct Tensor {
  std::string name;
  std::string type = "F32";  // as safetensors names it
  std::vector<int64_t> shape;
  std::vector<float> values;  // row-major; empty if unreadable says why
  std::string unreadable;     // what speaks against reading it as float: "is of type I64, and ..."
};

// "[3, 4]"
std::string text_of(const std::vector<int64_t>& shape);
bool is_utf8(const std::string& text);
// In quotes, on one line and not too long: what stands in an error of a name that a file gave.
std::string in_quotes(const std::string& name);
// The product of the dimensions; below 0 if one is negative, or the product does not fit.
int64_t elements_of(const std::vector<int64_t>& shape);

class TensorSet {
 public:
  std::string origin;  // where it was read from, for errors; empty: made by the caller
  std::map<std::string, std::string> attributes;

  // Throws a Failure if the name is taken or is no name.
  void add(Tensor tensor);
  // Null if there is none.
  const Tensor* find(const std::string& name) const;
  const std::vector<Tensor>& tensors() const { return tensors_; }
  // "model.safetensors: ", before what is wrong.
  std::string where() const { return origin.empty() ? "" : origin + ": "; }

 private:
  std::vector<Tensor> tensors_;
  std::unordered_map<std::string, size_t> by_name_;
};

}  // namespace recur

struct recur_weights {
  recur::TensorSet set;
};
