#include "device/profile.hpp"

#include <cstdlib>
#include <numeric>

#include "support/error.hpp"

namespace ptxvm::device {

std::uint32_t Profile::multiprocessors() const { return std::accumulate(gpcs.begin(), gpcs.end(), 0u); }

std::vector<Profile> profiles() { return {h100(), a100(), rtx4090(), rtx5090(), t4()}; }

Profile find_profile(const std::string& key) {
  std::string known;
  for (Profile& p : profiles()) {
    if (key == p.key) return p;
    known += (known.empty() ? "" : ", ") + std::string(p.key);
  }
  throw Error(Status::InvalidValue, "PTXVM_DEVICE=" + key + " names no device profile; there are: " + known);
}

const Profile& current() {
  // Where find_profile throws, nothing is kept and every later call says the same.
  static const Profile* const profile = [] {
    const char* wanted = std::getenv("PTXVM_DEVICE");
    return new Profile(find_profile(wanted == nullptr || *wanted == '\0' ? "h100" : wanted));
  }();
  return *profile;
}

}  // namespace ptxvm::device
