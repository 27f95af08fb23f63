#include "runtime/modules.hpp"

#include "device/profile.hpp"
#include "runtime/errors.hpp"
#include "runtime/images.hpp"

namespace ptxvm::runtime {

std::shared_ptr<exec::Program> FatBinary::program() {
  const std::lock_guard lock(mutex_);
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
  refusal_ = nullptr;
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
  const std::shared_lock lock(mutex_);
  for (const auto& binary : binaries_) binary->unload();
}

}  // namespace ptxvm::runtime
