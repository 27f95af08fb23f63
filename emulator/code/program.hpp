// A decoded module: code, constants, functions, and where its variables live.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "code/inst.hpp"
#include "count/traits.hpp"
#include "exec/launch.hpp"
#include "support/error.hpp"

namespace ptxvm::exec {

struct LineInfo {
  int ptx = 0, source_file = 0, source = 0;
  int inlined_file = 0, inlined = 0;  // where that was inlined into, through all calls; 0: it was not
};

// Frame of a .func: return counters, caller's register frame, caller's local frame (32 words each), then
// results, then parameters, then registers. An entry's frame has registers only.
constexpr std::uint32_t kFrameHeader = 3 * 128;

struct FunctionCode {
  std::string name;
  bool is_entry = false;
  std::uint32_t begin = 0, end = 0;       // program counters
  std::uint32_t frame_bytes = 0;          // registers, multiple of 64
  std::uint32_t local_bytes = 0;          // per thread, this function only
  std::uint32_t result_stride = 0;        // bytes a lane
  std::uint32_t parameter_stride = 0;
  std::uint32_t own_shared = 0;           // bytes of its .shared variables (entries)
  bool uses_module_shared = false;
  std::vector<int> callees;
  bool calls_unknown = false;             // indirect calls
  std::string refusal;                    // why it cannot run, its own or a callee's; empty where it can
  Status refusal_status = Status::NotSupported;
  std::uint32_t total_frame = 0;          // with its callees
  std::uint32_t total_local = 0;
  KernelInfo info;
};

struct ArgumentCopy {
  std::uint32_t from, from_stride, to, to_stride, bytes;  // offsets in the caller's and the callee's frame
};

struct CallSite {
  int caller = -1, callee = -1;           // function numbers; callee -1: indirect
  std::vector<ArgumentCopy> arguments, results;  // results: from callee to caller
};

// What one basic block consists of, for the counters: PTX instructions, and what a lane computes.
struct BlockMix {
  std::uint32_t begin = 0, instructions = 0;
  std::uint16_t classes[count::kClasses] = {};
  std::uint32_t flops[count::kNumbers] = {};
  std::uint64_t matrix_flops[count::kFactors] = {};  // a warp
  bool device_fence = false;
  bool repeats = true;  // each of its instructions does

  void add(const count::Traits& t) {
    ++instructions;
    ++classes[int(t.cls)];
    flops[int(t.number)] += t.flops;
    matrix_flops[int(t.factor)] += t.matrix_flops;
    device_fence = device_fence || t.device_fence;
    repeats = repeats && t.repeats;
  }
};

class DecodedProgram final : public Program {
 public:
  ~DecodedProgram() override;
  std::vector<std::string> kernels() const override;
  const KernelInfo* kernel(std::string_view name) const override;
  void set_registers(std::string_view kernel, std::uint32_t registers) override;
  bool variable(std::string_view name, memory::Address* address, std::uint64_t* size) const override;
  std::string refusal(std::string_view function) const override;
  void watch(std::function<void(int line)> told) override;
  // executions: of each block, by a launch or a part of it. One launch at a time.
  void note_executed(const std::vector<std::uint64_t>& executions) const;

  std::string name;
  std::vector<Inst> code;
  std::vector<LineInfo> lines;            // one an Inst
  std::vector<Ref> operand_lists;         // of instructions with more operands than Inst::op holds
  std::vector<char> constant_storage;
  char* constants = nullptr;              // 64-byte aligned inside it
  std::vector<FunctionCode> functions;
  std::unordered_map<std::string, int> function_index;
  std::vector<CallSite> calls;
  std::vector<std::vector<std::uint32_t>> branch_tables;
  std::vector<BlockMix> blocks;
  std::vector<std::string> files;
  std::unordered_map<std::string, memory::Allocation> variables;
  std::unordered_map<std::string, std::uint64_t> variable_size;
  std::uint32_t module_shared = 0;
  bool system_shared = false;             // asks where shared memory that belongs to the system lies
  std::uint32_t sites = 0;                // memory instructions with an address cache
  // Instructions under a predicate, branches aside: what the lanes that it switches off have not computed.
  std::vector<std::uint32_t> guard_of;    // by program counter: 1 + its number in guarded, or 0
  std::vector<count::Traits> guarded;
  std::unordered_map<std::uint32_t, std::string> memory_text;  // by program counter, "ld.global.f32"

  const FunctionCode& function_at(std::uint32_t pc) const;
  // "a.cu:3", "a.cuh:7, inlined at a.cu:3", or empty.
  std::string source(const LineInfo& line) const;

 private:
  std::function<void(int line)> told_;
  mutable std::vector<bool> told_of_;     // blocks
};

// Function pointers are these addresses: function number n is kFunctionBase + 16 n.
constexpr std::uint64_t kFunctionBase = 0x100;

}  // namespace ptxvm::exec
