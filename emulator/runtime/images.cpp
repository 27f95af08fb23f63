#include "runtime/images.hpp"

#include "support/error.hpp"

namespace ptxvm::runtime {

std::shared_ptr<exec::Program> load_program(const void*, int) {
  throw Error(Status::NotSupported, "stub");
}

}  // namespace ptxvm::runtime
