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
#include "support/error.hpp"

namespace ptxvm::runtime {

class FatBinary {
 public:
  explicit FatBinary(const void* wrapper) : wrapper_(wrapper) {}
  // Of a library, which is loaded already.
  explicit FatBinary(std::shared_ptr<exec::Program> program) : loaded_(true), program_(std::move(program)) {}
  // Throws Error where there is no image for the device, or it cannot be decoded; every later call says the
  // same.
  std::shared_ptr<exec::Program> program();
  void unload();
  // For what it holds and the emulator does not: every use says so from now on.
  void refuse_always(const Error& why);

 private:
  const void* wrapper_ = nullptr;
  bool loaded_ = false;  // a library: there is nothing to load it from again
  std::mutex mutex_;
  std::shared_ptr<exec::Program> program_;
  std::exception_ptr refusal_;
  bool refused_always_ = false;
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

  // A library that the program loads itself; its kernels are known by their handles alone.
  FatBinary* add_library(std::shared_ptr<exec::Program> program);
  // Throws Error (cudaErrorInvalidResourceHandle) for what is no library.
  FatBinary& library(cudaLibrary_t handle);
  Function& library_function(FatBinary& library, const std::string& name);
  void remove_library(cudaLibrary_t handle);

  void unload_all();

 private:
  std::shared_mutex mutex_;
  std::vector<std::unique_ptr<FatBinary>> binaries_;
  std::vector<std::unique_ptr<Function>> functions_;
  std::unordered_map<const void*, Function*> by_host_;  // stubs and handles
  std::unordered_map<const void*, Variable> variables_;
  // Libraries; the kernels that were asked for stay with them.
  std::unordered_map<const FatBinary*, std::map<std::string, std::unique_ptr<Function>>> libraries_;
};

// Where a range of a variable lies. Throws Error where it leaves the variable.
memory::Address inside_symbol(const void* symbol, std::size_t offset, std::size_t count);

}  // namespace ptxvm::runtime
