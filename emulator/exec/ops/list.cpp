// All handlers of one vector unit.
#include "exec/ops/op.hpp"

namespace ptxvm::exec::PTXVM_ISA {

void list_all(const Sink& sink) {
  list_integer(sink);
  list_logic(sink);
  list_float(sink);
  list_double(sink);
  list_half(sink);
  list_half_convert(sink);
  list_compare(sink);
  list_convert(sink);
  list_approximate(sink);
  list_approximate_worst(sink);
  list_approximate_worst_half(sink);
  list_memory(sink);
  list_atomic(sink);
  list_atomic_half(sink);
  list_collective(sink);
  list_video(sink);
  list_matrix(sink);
  list_matrix_memory(sink);
  list_matrix_tile(sink);
}

}  // namespace ptxvm::exec::PTXVM_ISA
