// Rows of different lengths as cuDNN packs them: in order of falling length, for each step only the rows that have it.
#pragma once

#include <cstdint>
#include <vector>

namespace recur::validate {

class Packing {
 public:
  // lengths [N], each 0..T. Rows of length 0 are left out: cuDNN packs none.
  explicit Packing(const std::vector<int64_t>& lengths);

  int64_t rows() const { return int64_t(order_.size()); }
  int64_t steps() const { return lengths_.empty() ? 0 : lengths_.front(); }
  const std::vector<int32_t>& lengths() const { return lengths_; }  // falling
  const std::vector<int64_t>& order() const { return order_; }      // the batch's row that each is

  // [T,N,columns] to and from the packed form; beyond a row's length is zero.
  std::vector<double> pack(const std::vector<double>& values, int64_t columns) const;
  std::vector<double> unpack(const std::vector<double>& packed, int64_t steps, int64_t columns) const;
  // States [passes,N,columns] to and from the rows that are packed; rows left out are those of `others`.
  std::vector<double> pack_states(const std::vector<double>& states, int64_t columns) const;
  std::vector<double> unpack_states(const std::vector<double>& packed, const std::vector<double>& others,
                                    int64_t columns) const;

 private:
  int64_t batch_;
  std::vector<int64_t> order_;
  std::vector<int32_t> lengths_;
};

}  // namespace recur::validate
