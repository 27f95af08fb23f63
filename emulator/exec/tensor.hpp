// How matrix instructions sum (PTXVM_MMA), and the faults of exec/ops/matrix*.cpp, which may not build strings.
#pragma once

#include <cstdint>

#include "exec/warp.hpp"

namespace ptxvm::exec {

// PTXVM_MMA=exact (the default) or truncate; throws for anything else.
//
// exact: products are exact and summed in fp64, c first, then k = 0, 1...; the sum is rounded once, to
// nearest even, to the accumulator's type. It is the default because a result then depends on no device, and
// because a kernel that is wrong stands out: what is left is one rounding an instruction.
//
// truncate: what was measured on hardware. Of each step of some terms the products stay exact and
// unnormalised; they and the accumulator are aligned to the largest exponent among them and cut off (towards
// zero) some bits behind its point; the sum is cut off to fp32, or rounded to nearest even to fp16, before
// the next step. The bits and the terms are the device's: 23 bits and 4 16-bit terms before sm_75, 24 and 8
// up to sm_89, 25 and 16 from sm_90 on, half as many terms of tf32. From M. Fasi, N. Higham, M. Mikaitis, S.
// Pranesh, "Numerical behavior of NVIDIA tensor cores", PeerJ Computer Science 7:e330 (2021) (V100, T4,
// A100), and P. Xie, Y. Wang, F. Yang, M. Yang, "MMA-Sim: Bit-Accurate Reference Model of Tensor Cores and
// Matrix Cores", arXiv:2511.10909 (2025) (all of them, compared bit by bit). A term that is zero counts with
// the exponent -126.
TensorSums tensor_sums(int target);

[[noreturn]] void fault_of_part_of_warp(Warp& w, const Inst& in);
[[noreturn]] void fault_not_shared(Warp& w, const Inst& in, unsigned lane, std::uint64_t address);

// wmma.load and wmma.store: one address and one stride for the whole warp. Faults where lanes disagree, where the
// address is not aligned to the fragment's bytes of a lane, and where lines are not 16 bytes (or the fragment's, if
// fewer) apart or a multiple.
void check_tile(Warp& w, const Inst& in, const std::uint64_t* address, const std::uint32_t* stride,
                unsigned fragment_bytes, unsigned element_bytes);

}  // namespace ptxvm::exec
