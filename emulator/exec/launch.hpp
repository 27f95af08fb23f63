// The seam between the runtime (streams, symbols, attributes) and the machine (decoding, warps, blocks).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "memory/address_space.hpp"
#include "model/machine.hpp"
#include "ptx/ast.hpp"

namespace ptxvm::exec {

struct Dim3 {
  std::uint32_t x = 1, y = 1, z = 1;
  std::uint64_t count() const { return std::uint64_t{x} * y * z; }
};

struct Parameter {
  std::uint32_t offset, size;  // bytes in the parameter buffer
};

// What is known of an entry function before it is launched.
struct KernelInfo {
  std::string name;
  std::vector<Parameter> parameters;
  std::uint32_t parameter_bytes = 0;
  std::uint32_t static_shared = 0;   // bytes, from the PTX
  std::uint32_t local_bytes = 0;     // per thread
  std::uint32_t registers = 0;       // per thread, from the cubin; 0 where no cubin was there
  std::uint32_t max_threads = 1024;  // .maxntid or the device's
  std::uint32_t required_cluster[3] = {0, 0, 0};
  std::uint32_t max_cluster = 0;     // .maxclusterrank; 0 where absent
  int ptx_version = 0;               // 90 for 9.0
  int target = 0;                    // 90 for sm_90
};

// A loaded module: decoded code, and its variables placed in device memory.
class Program {
 public:
  // Throws ptxvm::Error. name appears in messages.
  static std::shared_ptr<Program> load(const ptx::Module& module, std::string name);
  virtual ~Program() = default;
  virtual std::vector<std::string> kernels() const = 0;
  // Null where there is no such entry.
  virtual const KernelInfo* kernel(std::string_view name) const = 0;
  virtual void set_registers(std::string_view kernel, std::uint32_t registers) = 0;
  // Address and size of a module variable; false where there is none.
  virtual bool variable(std::string_view name, memory::Address* address, std::uint64_t* size) const = 0;
  // Why a function cannot run, its own code or what it calls, with the instruction and its line; empty where it can.
  virtual std::string refusal(std::string_view function) const = 0;
  // From now on each line of PTX is told when a launch has executed it, once.
  virtual void watch(std::function<void(int line)> told) = 0;
};

struct Request {
  std::shared_ptr<Program> program;
  std::string kernel;
  Dim3 grid, block, cluster;
  bool explicit_cluster = false;      // by the launch or the kernel, be it of one block
  std::uint32_t dynamic_shared = 0;
  std::vector<std::byte> parameters;  // laid out by KernelInfo::parameters
  bool cooperative = false;
};

struct MachineLimits {                // of the device profile
  int target = 90;                    // sm
  std::uint32_t multiprocessors = 132;
  std::uint32_t resident_blocks = 32;   // per multiprocessor, by the launch's occupancy
  std::vector<std::uint32_t> gpcs;      // multiprocessors of each; empty: one GPC. A cluster lies within one.
  std::uint32_t shared_bytes = 227 * 1024;
  std::uint64_t clock_khz = 1'980'000;
  std::uint32_t most_warps = 64;        // of a multiprocessor
  const char* device = "H100";
  model::Machine machine = model::machine(device::h100());
};

// Runs one grid to its end on the worker threads; returns when every block has exited. Throws
// ptxvm::Error on the first fault, its message complete (kernel, PTX line, source line, block, thread).
void run(const Request& request, const MachineLimits& limits);

}  // namespace ptxvm::exec
