// What an instruction is for the counters: its class, and the operations that it does. Settled once, when it is
// decoded, from its opcode alone (traits.cpp).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ptxvm::count {

enum class Class : std::uint8_t {
  Integer,         // arithmetic, logic, shifts, comparison and selection of integers and predicates
  Single,          // fp32
  Double,          // fp64
  Half,            // fp16 and bf16, packed too
  Conversion,      // cvt
  Special,         // rcp, sqrt, sin, ex2, tanh, ...: approximated, or the start of a longer sequence
  Move,            // mov, cvta, isspacep: most are gone in machine code
  Branch,          // bra, brx
  Control,         // call, ret, exit, trap, nanosleep, ...
  Global,          // ld and st, by the space that the instruction names
  Shared,          // ldmatrix and stmatrix too
  Local,
  Constant,
  Parameter,
  Generic,         // the address says
  Copy,            // cp.async, cp.async.bulk and what commits and waits for them
  Exchange,        // shfl, vote, match, redux, elect, activemask
  BlockBarrier,    // bar, barrier.cta
  WarpBarrier,     // bar.warp
  ClusterBarrier,  // barrier.cluster
  MemoryBarrier,   // mbarrier
  Fence,
  Atomic,          // atom, red
  Matrix,          // mma, wmma.mma, wgmma
  Other            // prefetches and the like
};
constexpr int kClasses = int(Class::Other) + 1;
const char* name(Class c);

// Types of arithmetic. Packed halves are two operations.
enum class Number : std::uint8_t { Half, Bfloat, Single, Double };
constexpr int kNumbers = 4;
const char* name(Number n);

// Types of a matrix product's factors.
enum class Factor : std::uint8_t { Half, Bfloat, Tf32, Double, Byte, Float8, Narrow };
constexpr int kFactors = 7;
const char* name(Factor f);

struct Traits {
  Class cls = Class::Other;
  Number number = Number::Single;
  Factor factor = Factor::Half;
  std::uint16_t flops = 0;         // a lane: add, sub, mul and each function one, fma two
  std::uint32_t matrix_flops = 0;  // a warp: 2 m n k
  bool device_fence = false;       // orders memory for other blocks of the device: a fence, or a release
  // What it does follows from its thread's registers, local memory and the shared memory it reads, of which it changes
  // the first two: again in the same state, it does the same again.
  bool repeats = false;
};

bool touches_memory(Class c);
Traits traits(const std::vector<std::string>& opcode);
bool tells_time(const std::string& special_register);

}  // namespace ptxvm::count
