// Calls: frames of registers and local memory, arguments, and lanes that return to different places.
#include <cstring>

#include "code/program.hpp"
#include "exec/groups.hpp"
#include "support/error.hpp"
#include "support/format.hpp"

namespace ptxvm::exec {

void enter(Warp& w, const Inst& in, std::uint32_t mask, int callee_number, const CallSite& site) {
  const DecodedProgram& program = *w.block->image->program;
  const FunctionCode& caller = program.functions[std::size_t(site.caller)];
  const FunctionCode& callee = program.functions[std::size_t(callee_number)];
  const std::uint32_t frame = w.frame + caller.frame_bytes, local = w.local + caller.local_bytes;
  if (frame + callee.frame_bytes > w.block->image->kernel->total_frame ||
      local + callee.local_bytes > w.block->local_stride)
    fault(w, in, unsigned(__builtin_ctz(mask)), int(Status::HardwareStackError),
          "call stack overflow in " + callee.name);
  char* base = w.registers + frame;
  std::uint32_t* header = reinterpret_cast<std::uint32_t*>(base);
  for (std::uint32_t m = mask; m; m &= m - 1) {
    const unsigned lane = unsigned(__builtin_ctz(m));
    header[lane] = w.pc + 1;
    header[32 + lane] = w.frame;
    header[64 + lane] = w.local;
    for (const ArgumentCopy& c : site.arguments)
      std::memcpy(base + c.to + lane * c.to_stride, w.base[0] + c.from + lane * c.from_stride, c.bytes);
  }
  if (w.active & ~mask) park(w, w.pc + 1, w.active & ~mask);
  w.frame = frame;
  w.local = local;
  w.base[0] = base;
  w.pc = callee.begin;
  w.active = mask;
  w.next_parked = ~0u;  // only deeper frames run before this one; merging happens at its return
}

void enter_indirect(Warp& w, const Inst& in, std::uint32_t mask) {
  const DecodedProgram& program = *w.block->image->program;
  const std::uint64_t* address = w.at<std::uint64_t>(in.op[0]);
  const unsigned lane = unsigned(__builtin_ctz(mask));
  std::uint32_t same = 0;  // lanes that call the same function go first, the others come back here
  for (std::uint32_t m = mask; m; m &= m - 1)
    same |= std::uint32_t(address[__builtin_ctz(m)] == address[lane]) << __builtin_ctz(m);
  const std::uint64_t number = (address[lane] - kFunctionBase) / 16;
  if (address[lane] < kFunctionBase || number >= program.functions.size() ||
      program.functions[number].begin == program.functions[number].end)
    fault(w, in, lane, int(Status::InvalidPc),
          format("call of address 0x%llx, which is no function", static_cast<unsigned long long>(address[lane])));
  if (mask != same) {
    park(w, w.pc, mask & ~same);
    w.active &= ~(mask & ~same);
  }
  enter(w, in, same, int(number), program.calls[in.imm]);
}

void leave(Warp& w, std::uint32_t mask) {
  const std::uint32_t* header = reinterpret_cast<const std::uint32_t*>(w.base[0]);
  if (w.active & ~mask) park(w, w.pc + 1, w.active & ~mask);
  const std::uint32_t frame = w.frame, local = w.local;
  std::uint32_t left = mask;
  while (left) {
    const unsigned lane = unsigned(__builtin_ctz(left));
    std::uint32_t same = 0;
    for (std::uint32_t m = left; m; m &= m - 1) {
      const unsigned k = unsigned(__builtin_ctz(m));
      if (header[k] == header[lane] && header[32 + k] == header[32 + lane] && header[64 + k] == header[64 + lane])
        same |= 1u << k;
    }
    w.frame = header[32 + lane];
    w.local = header[64 + lane];
    park(w, header[lane], same);
    w.frame = frame;
    w.local = local;
    left &= ~same;
  }
  next_group(w, false);
}

}  // namespace ptxvm::exec
