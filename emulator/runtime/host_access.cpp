#include "runtime/host_access.hpp"

#include <signal.h>
#include <unistd.h>

#include <cstring>
#include <mutex>

#include "memory/address_space.hpp"

namespace ptxvm::runtime {
namespace {

struct sigaction earlier;

// Only what a signal handler may do.
void say(memory::Address a) {
  char text[160] = "ptxvm: host code touched device address 0x";
  std::size_t length = std::strlen(text);
  for (int shift = 44; shift >= 0; shift -= 4) text[length++] = "0123456789abcdef"[a >> shift & 15];
  const char* rest = "; device memory can be reached only by kernels and by copies\n";
  std::memcpy(text + length, rest, std::strlen(rest));
  length += std::strlen(rest);
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, length);
}

void on_fault(int signal, siginfo_t* info, void*) {
  const auto a = reinterpret_cast<memory::Address>(info->si_addr);
  if (memory::AddressSpace::instance().is_device_range(a)) say(a);
  // The access is tried again on return and meets whoever handled the signal before.
  sigaction(signal, &earlier, nullptr);
}

}  // namespace

void watch_host_access() {
  static std::once_flag once;
  std::call_once(once, [] {
    memory::AddressSpace::instance();  // made now: the handler may not make it
    struct sigaction mine {};
    mine.sa_sigaction = on_fault;
    mine.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGSEGV, &mine, &earlier);
  });
}

}  // namespace ptxvm::runtime
