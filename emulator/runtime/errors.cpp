#include "runtime/errors.hpp"

#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "mutate/session.hpp"
#include "ptxvm/ptxvm.h"
#include "runtime/refused.hpp"
#include "support/environment.hpp"

namespace ptxvm::runtime {
namespace {

std::mutex report_mutex;
std::string& last_report() {
  static std::string* const text = new std::string;
  return *text;
}

std::atomic<cudaError_t> sticky{cudaSuccess};
thread_local cudaError_t last_error = cudaSuccess;

bool abort_wanted() { return environment_flag("PTXVM_ABORT_ON_FAULT", false); }

}  // namespace

void refuse_bad_environment() {
  enum : int { Unchecked, Good, Bad };
  static std::atomic<int> state{Unchecked};
  if (state.load(std::memory_order_acquire) == Good) return;
  static std::mutex checking;
  static std::string& refusal = *new std::string;
  const std::lock_guard lock(checking);
  if (state == Unchecked) {
    try {
      check_environment();
      state = Good;
      return;
    } catch (const Error& e) {
      refusal = e.what();
      state = Bad;
    }
  }
  if (state == Bad) refuse(cudaErrorInitializationError, refusal);
}

Counters& counters() {
  static Counters only;
  return only;
}

void report(const std::string& message) {
  const std::lock_guard lock(report_mutex);
  last_report() = message;
  std::fprintf(stderr, "ptxvm: %s\n", message.c_str());
}

cudaError_t remember(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

void device_fault(const Error& error) {
  cudaError_t none = cudaSuccess;
  if (!sticky.compare_exchange_strong(none, static_cast<cudaError_t>(error.status()))) return;
  mutate::note_fault(error.what());
  report(error.what());
  if (abort_wanted()) std::abort();
}

int refused(const char* function, const char* what) {
  return guarded([&]() -> cudaError_t {
    refuse(cudaErrorNotSupported, std::string(function) + ": " + what + ": not emulated");
  });
}

cudaError_t sticky_error() { return sticky.load(std::memory_order_acquire); }

void clear_sticky_error() { sticky = cudaSuccess; }

bool& on_dispatcher_thread() {
  thread_local bool here = false;
  return here;
}

}  // namespace ptxvm::runtime

extern "C" {

cudaError_t cudaPeekAtLastError(void) {
  using namespace ptxvm::runtime;
  const cudaError_t broken = sticky_error();
  return broken != cudaSuccess ? broken : last_error;
}

cudaError_t cudaGetLastError(void) {
  const cudaError_t error = cudaPeekAtLastError();
  ptxvm::runtime::last_error = cudaSuccess;
  return error;
}

const char* ptxvm_last_report(void) {
  thread_local std::string copy;
  const std::lock_guard lock(ptxvm::runtime::report_mutex);
  copy = ptxvm::runtime::last_report();
  return copy.c_str();
}

void ptxvm_api_counts(ptxvm_counts* out) {
  const auto& now = ptxvm::runtime::counters();
  out->allocations = now.allocations;
  out->frees = now.frees;
  out->synchronisations = now.synchronisations;
  out->launches = now.launches;
  out->copies = now.copies;
  out->fills = now.fills;
  out->host_functions = now.host_functions;
  out->graph_launches = now.graph_launches;
  out->products = now.products;
}

}  // extern "C"
