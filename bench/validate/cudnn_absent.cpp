// In place of cudnn_reference.cpp where cuDNN was not found.
#include "bench/validate/reference.hpp"

namespace recur::validate {

void add_cudnn(References& references, const std::string&) {
  references.about.push_back(
      "cudnn: this program was built without cuDNN, whose version 9 CMake did not find; nothing here is validated "
      "against cuDNN");
}

}  // namespace recur::validate
