// Mutations of a module: each takes one piece of its synchronisation away. A test of code that needs the piece
// should fail without it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "ptx/ast.hpp"

namespace ptxvm::mutate {

struct Mutation {
  enum class Action {
    Remove,     // the instructions
    Rename,     // another opcode
    Pass,       // a wait whose answer is a predicate: always true
    OwnAnswer,  // bar.red: the thread's own predicate is the result
  };
  Action action = Action::Remove;
  std::size_t function = 0;           // index into Module::functions
  std::vector<std::size_t> places;    // indices into its body, ascending
  std::vector<std::string> opcode;    // Rename: what the opcode becomes
  std::string text;                   // "bar.sync removed", "st.release.gpu.u32 -> st.relaxed.gpu.u32"
};

// In the order of the text; the order is the same for the same text.
std::vector<Mutation> list(const ptx::Module& module);
void apply(ptx::Module& module, const Mutation& mutation);

}  // namespace ptxvm::mutate
