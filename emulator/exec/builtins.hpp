// Handlers that are not lane arithmetic: special registers, fences, results of barriers and calls, and the
// functions that device code expects of its system (vprintf, __assertfail).
#pragma once

#include <string>

#include "code/inst.hpp"

namespace ptxvm::exec {

Handler special_register(const std::string& name, unsigned bits);  // op[0] destination; null: unknown; bits 1: a predicate
Handler local_address(unsigned bits);      // op[0] = imm + the running group's local frame
Handler fence_handler();
Handler barrier_result_handler();          // op[0] destination, op[1] barrier number, imm BarrierKind
Handler map_address_handler(unsigned bits);      // mapa: op d, a, rank; aux kShared or kGeneric
Handler rank_of_address_handler(unsigned bits);  // getctarank: op d, a
Handler is_shared_handler();
Handler cluster_arrive_handler();               // op p, a; aux kShared or kSharedCluster
Handler set_registers_handler();           // setmaxnreg: aux the count / 8; imm 1: an increase, + 2 x .maxnreg
Handler collect_results_handler();         // imm: call site
// op: argument offsets and strides; op[8], op[9] result
Handler builtin_function(const std::string& name);
Handler heap_function(const std::string& name);  // malloc and free

}  // namespace ptxvm::exec
