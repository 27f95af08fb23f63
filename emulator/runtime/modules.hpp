// What nvcc's registration calls tell of a program: its fat binaries, their kernels and variables. A fat
// binary is read and decoded when the first of its kernels or variables is used.
#pragma once

#include <cuda_runtime_api.h>

#include <atomic>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "exec/launch.hpp"

namespace ptxvm::runtime {

class FatBinary {
 public:
  explicit FatBinary(const void* wrapper) : wrapper_(wrapper) {}
  // Throws Error where there is no image for the device, or it cannot be decoded; every later call says the
  // same.
  std::shared_ptr<exec::Program> program();
  void unload();

 private:
  const void* wrapper_;
  std::mutex mutex_;
  std::shared_ptr<exec::Program> program_;
  std::exception_ptr refusal_;
};

// A kernel as the program names it. Its address is its cudaKernel_t.
struct Function {
  Function(FatBinary* b, std::string n) : binary(b), name(std::move(n)) {}
  FatBinary* binary;
  std::string name;
  // Attributes that the program sets; -1: the default.
  std::atomic<int> max_dynamic_shared{-1};
  std::atomic<int> carveout{-1};
  std::atomic<bool> non_portable_cluster{false};
  std::atomic<int> cluster[3] = {{0}, {0}, {0}};

  // Loads the module where need be.
  const exec::KernelInfo& info(std::shared_ptr<exec::Program>* program = nullptr);
};

struct Variable {
  FatBinary* binary;
  std::string name;
  std::uint64_t size;
};

class Modules {
 public:
  static Modules& instance();

  FatBinary* add_binary(const void* wrapper);
  void add_function(FatBinary* binary, const void* host, const char* name);
  void add_variable(FatBinary* binary, const void* host, const char* name, std::uint64_t size);

  // By the host's stub or by cudaKernel_t. Throws Error (InvalidDeviceFunction).
  Function& function(const void* host);
  // Address and size in device memory. Throws Error (cudaErrorInvalidSymbol).
  std::pair<memory::Address, std::uint64_t> variable(const void* host);

  void unload_all();

 private:
  std::shared_mutex mutex_;
  std::vector<std::unique_ptr<FatBinary>> binaries_;
  std::vector<std::unique_ptr<Function>> functions_;
  std::unordered_map<const void*, Function*> by_host_;  // stubs and handles
  std::unordered_map<const void*, Variable> variables_;
};

}  // namespace ptxvm::runtime
