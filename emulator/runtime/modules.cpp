#include "runtime/modules.hpp"

#include "device/profile.hpp"
#include "runtime/errors.hpp"
#include "runtime/images.hpp"

namespace ptxvm::runtime {

std::shared_ptr<exec::Program> FatBinary::program() {
  const std::lock_guard lock(mutex_);
  if (loaded_ && program_ == nullptr)
    refuse(cudaErrorInvalidResourceHandle, "the library has been unloaded");
  if (program_ == nullptr && refusal_ == nullptr) {
    try {
      program_ = load_program(wrapper_, device::current().target);
    } catch (const Error&) {
      refusal_ = std::current_exception();
    }
  }
  if (refusal_ != nullptr) std::rethrow_exception(refusal_);
  return program_;
}

void FatBinary::unload() {
  const std::lock_guard lock(mutex_);
  program_.reset();
  if (!refused_always_) refusal_ = nullptr;
}

void FatBinary::refuse_always(const Error& why) {
  const std::lock_guard lock(mutex_);
  refusal_ = std::make_exception_ptr(why);
  refused_always_ = true;
}

const exec::KernelInfo& Function::info(std::shared_ptr<exec::Program>* out) {
  std::shared_ptr<exec::Program> program = binary->program();
  const exec::KernelInfo* info = program->kernel(name);
  if (info == nullptr) refuse(cudaErrorInvalidDeviceFunction, "the device code has no kernel " + name);
  if (out != nullptr) *out = std::move(program);
  return *info;
}

Modules& Modules::instance() {
  // Registration runs before main and unregistration after it.
  static Modules* const only = new Modules;
  return *only;
}

FatBinary* Modules::add_binary(const void* wrapper) {
  const std::unique_lock lock(mutex_);
  return binaries_.emplace_back(std::make_unique<FatBinary>(wrapper)).get();
}

void Modules::add_function(FatBinary* binary, const void* host, const char* name) {
  const std::unique_lock lock(mutex_);
  // A template's stub is one symbol for all translation units that instantiate it: the first one's code
  // stands for all.
  if (by_host_.count(host) != 0) return;
  Function* function = functions_.emplace_back(std::make_unique<Function>(binary, name)).get();
  by_host_.emplace(host, function);
  by_host_.emplace(function, function);
}

void Modules::add_variable(FatBinary* binary, const void* host, const char* name, std::uint64_t size) {
  const std::unique_lock lock(mutex_);
  variables_.emplace(host, Variable{binary, name, size});
}

Function& Modules::function(const void* host) {
  const std::shared_lock lock(mutex_);
  const auto found = by_host_.find(host);
  if (found == by_host_.end()) refuse(cudaErrorInvalidDeviceFunction, "that is no kernel of this program");
  return *found->second;
}

FatBinary* Modules::add_library(std::shared_ptr<exec::Program> program) {
  const std::unique_lock lock(mutex_);
  // Never taken back, so that a handle never means another library.
  FatBinary* library = binaries_.emplace_back(std::make_unique<FatBinary>(std::move(program))).get();
  libraries_[library];
  return library;
}

FatBinary& Modules::library(cudaLibrary_t handle) {
  FatBinary* library = reinterpret_cast<FatBinary*>(handle);
  const std::shared_lock lock(mutex_);
  if (libraries_.count(library) == 0) refuse(cudaErrorInvalidResourceHandle, "there is no such library");
  return *library;
}

Function& Modules::library_function(FatBinary& library, const std::string& name) {
  if (library.program()->kernel(name) == nullptr)
    refuse(cudaErrorSymbolNotFound, "the library has no kernel " + name);
  const std::unique_lock lock(mutex_);
  std::unique_ptr<Function>& function = libraries_.at(&library)[name];
  if (function == nullptr) {
    function = std::make_unique<Function>(&library, name);
    by_host_.emplace(function.get(), function.get());
  }
  return *function;
}

void Modules::remove_library(cudaLibrary_t handle) {
  FatBinary& gone = library(handle);
  const std::unique_lock lock(mutex_);
  const auto found = libraries_.find(&gone);
  for (const auto& [name, function] : found->second) by_host_.erase(function.get());
  libraries_.erase(found);
  gone.unload();
}

std::pair<memory::Address, std::uint64_t> Modules::variable(const void* host) {
  Variable variable;
  {
    const std::shared_lock lock(mutex_);
    const auto found = variables_.find(host);
    if (found == variables_.end())
      refuse(cudaErrorInvalidSymbol, "that is no __device__ or __constant__ variable of this program");
    variable = found->second;
  }
  std::pair<memory::Address, std::uint64_t> place;
  if (!variable.binary->program()->variable(variable.name, &place.first, &place.second))
    refuse(cudaErrorInvalidSymbol, "the device code has no variable " + variable.name);
  return place;
}

void Modules::unload_all() {
  const std::unique_lock lock(mutex_);
  for (const auto& [library, functions] : libraries_)
    for (const auto& [name, function] : functions) by_host_.erase(function.get());
  libraries_.clear();
  for (const auto& binary : binaries_) binary->unload();
}

}  // namespace ptxvm::runtime
