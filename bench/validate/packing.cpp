#include "bench/validate/packing.hpp"

#include <algorithm>

namespace recur::validate {
namespace {

// For each element of the packed form where it lies in the other.
template <class Use>
void for_each_row(const std::vector<int32_t>& lengths, const std::vector<int64_t>& order, int64_t batch, Use use) {
  int64_t packed = 0;
  for (int64_t t = 0; !lengths.empty() && t < lengths.front(); ++t)
    for (size_t row = 0; row < lengths.size() && lengths[row] > t; ++row) use(packed++, t * batch + order[row]);
}

}  // namespace

Packing::Packing(const std::vector<int64_t>& lengths) : batch_(int64_t(lengths.size())) {
  for (int64_t row = 0; row < batch_; ++row)
    if (lengths[size_t(row)] > 0) order_.push_back(row);
  std::stable_sort(order_.begin(), order_.end(),
                   [&](int64_t a, int64_t b) { return lengths[size_t(a)] > lengths[size_t(b)]; });
  for (const int64_t row : order_) lengths_.push_back(int32_t(lengths[size_t(row)]));
}

std::vector<double> Packing::pack(const std::vector<double>& values, int64_t columns) const {
  std::vector<double> packed;
  for_each_row(lengths_, order_, batch_, [&](int64_t, int64_t row) {
    packed.insert(packed.end(), values.begin() + row * columns, values.begin() + (row + 1) * columns);
  });
  return packed;
}

std::vector<double> Packing::unpack(const std::vector<double>& packed, int64_t steps, int64_t columns) const {
  std::vector<double> values(size_t(steps * batch_ * columns));
  for_each_row(lengths_, order_, batch_, [&](int64_t from, int64_t row) {
    std::copy_n(packed.begin() + from * columns, columns, values.begin() + row * columns);
  });
  return values;
}

std::vector<double> Packing::pack_states(const std::vector<double>& states, int64_t columns) const {
  std::vector<double> packed;
  for (int64_t pass = 0; pass * batch_ * columns < int64_t(states.size()); ++pass)
    for (const int64_t row : order_) {
      const auto begin = states.begin() + (pass * batch_ + row) * columns;
      packed.insert(packed.end(), begin, begin + columns);
    }
  return packed;
}

std::vector<double> Packing::unpack_states(const std::vector<double>& packed, const std::vector<double>& others,
                                           int64_t columns) const {
  std::vector<double> states = others;
  for (int64_t pass = 0; pass * rows() * columns < int64_t(packed.size()); ++pass)
    for (int64_t row = 0; row < rows(); ++row)
      std::copy_n(packed.begin() + (pass * rows() + row) * columns, columns,
                  states.begin() + (pass * batch_ + order_[size_t(row)]) * columns);
  return states;
}

}  // namespace recur::validate
