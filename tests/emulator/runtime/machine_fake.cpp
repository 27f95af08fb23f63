// Stands in for the machine in tests that launch nothing.
#include "exec/launch.hpp"
#include "support/error.hpp"

namespace ptxvm::exec {

std::shared_ptr<Program> Program::load(const ptx::Module&, std::string) {
  throw Error(Status::NotSupported, "no machine");
}

void run(const Request&, const MachineLimits&) { throw Error(Status::NotSupported, "no machine"); }

}  // namespace ptxvm::exec
