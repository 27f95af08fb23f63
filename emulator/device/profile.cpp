#include "device/profile.hpp"

#include <numeric>

#include "support/environment.hpp"
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
  throw Error(Status::InitializationError, "PTXVM_DEVICE=" + key + " names no device profile; there are: " + known);
}

const Profile& current() {
  // Where find_profile throws, nothing is kept and every later call says the same.
  static const Profile* const profile = [] {
    return new Profile(find_profile(environment_word("PTXVM_DEVICE", "h100")));
  }();
  return *profile;
}

}  // namespace ptxvm::device
