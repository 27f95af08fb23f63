// What recur_validate prints: one table, the worst of it, and the same as JSON.
#pragma once

#include <string>
#include <vector>

#include "bench/validate/comparison.hpp"

namespace recur::validate {

// Of one case against one reference: compared, or why not.
struct Outcome {
  std::string network, reference;
  std::string refused;  // by the reference: no fault of the library
  std::string failed;   // the library's own run
  Comparison comparison;

  bool compared() const { return refused.empty() && failed.empty(); }
  bool ok() const { return failed.empty() && (!refused.empty() || comparison.within()); }
};

// A Markdown table whose rows can be printed as they come.
class Table {
 public:
  Table(const std::vector<std::string>& networks, const std::vector<std::string>& references);
  std::string head() const;
  std::string row(const Outcome& outcome) const;

 private:
  size_t network_width_, reference_width_;
};

// How many were within tolerance, beyond it and not compared; what was beyond; the worst, with the command that runs it
// again. program: how the user called it.
std::string summary(const std::vector<Outcome>& outcomes, const std::string& program);

std::string json(const std::vector<Outcome>& outcomes, const std::string& device, const std::vector<std::string>& about,
                 const std::string& program);

}  // namespace recur::validate
