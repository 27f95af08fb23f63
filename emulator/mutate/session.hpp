// What ptxvm-mutate asks of a process, by two variables:
//   PTXVM_MUTATE_LIST=FILE     each module loaded adds its mutations to FILE; launches add which were executed,
//                              faults their first line
//   PTXVM_MUTATE=MODULE:NUMBER the module of that hash is loaded with that mutation
// FILE has one record a line, its fields set apart by tabs, so that several processes can add to it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "exec/launch.hpp"
#include "mutate/mutation.hpp"
#include "ptx/ast.hpp"

namespace ptxvm::mutate {

// One module's loading.
class Session {
 public:
  // Changes the module where that is asked for. Throws Error where PTXVM_MUTATE cannot be read, or its number is none
  // of this module's.
  Session(std::string_view text, ptx::Module& module);
  // The module has been decoded.
  void loaded(exec::Program& program) const;

 private:
  struct Place {
    int line;
    std::size_t number;
  };
  std::string hash_;
  std::vector<Place> places_;
  std::string mutated_function_;
  std::size_t number_ = 0;
};

void note_fault(const std::string& message);

}  // namespace ptxvm::mutate
