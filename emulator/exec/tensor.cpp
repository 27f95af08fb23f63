#include "exec/tensor.hpp"

#include "support/environment.hpp"
#include "support/error.hpp"
#include "support/format.hpp"

namespace ptxvm::exec {

TensorSums tensor_sums(int target) {
  TensorSums sums;
  if (environment_word("PTXVM_MMA", "exact") == "exact") return sums;
  sums.fraction_bits = target < 75 ? 23 : target < 90 ? 24 : 25;
  sums.step_bytes = target < 75 ? 8 : target < 90 ? 16 : 32;
  return sums;
}

void fault_of_part_of_warp(Warp& w, const Inst& in) {
  fault(
      w, in, unsigned(__builtin_ctz(w.mask)), int(Status::IllegalInstruction),
      format(
          "a matrix instruction needs all 32 lanes of the warp; lanes 0x%08x have exited or were never there",
          ~w.mask));
}

void fault_not_shared(Warp& w, const Inst& in, unsigned lane, std::uint64_t address) {
  fault(w, in, lane, int(Status::IllegalAddress),
        format("generic address 0x%llx is not in shared memory, the only one that this instruction reaches",
               static_cast<unsigned long long>(address)));
}

void check_tile(Warp& w, const Inst& in, const std::uint64_t* address, const std::uint32_t* stride,
                unsigned fragment_bytes, unsigned element_bytes) {
  for (unsigned lane = 1; lane < 32; ++lane) {
    if (address[lane] != address[0])
      fault(w, in, lane, int(Status::IllegalInstruction),
            format("the lanes of a warp must name one matrix: lane 0 has address 0x%llx, lane %u 0x%llx",
                   static_cast<unsigned long long>(address[0]), lane, static_cast<unsigned long long>(address[lane])));
    if (stride[lane] != stride[0])
      fault(w, in, lane, int(Status::IllegalInstruction),
            format("the lanes of a warp must name one matrix: lane 0 has stride %u, lane %u %u", stride[0],
                   lane, stride[lane]));
  }
  if (address[0] % fragment_bytes != 0)
    fault(w, in, 0, int(Status::MisalignedAddress),
          format("misaligned: matrix at address 0x%llx, a fragment of %u bytes a lane needs a multiple of %u",
                 static_cast<unsigned long long>(address[0]), fragment_bytes, fragment_bytes));
  const unsigned apart = fragment_bytes < 16 ? fragment_bytes : 16;
  if (std::uint64_t{stride[0]} * element_bytes % apart != 0)
    fault(w, in, 0, int(Status::MisalignedAddress),
          format("misaligned: a stride of %u elements of %u bytes is not a multiple of %u bytes", stride[0],
                 element_bytes, apart));
}

}  // namespace ptxvm::exec
