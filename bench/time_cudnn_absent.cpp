// In place of time_cudnn.cpp where cuDNN 9 was not found when the program was built.
#include "time_gpu.hpp"

namespace recur::bench {

std::vector<Timing> time_cudnn(const Timer&, const recur_layer_descriptor&, Pass) {
  Timing absent;
  absent.name = "cuDNN";
  absent.refused = "this program was built without it, since cuDNN 9 was not found";
  return {absent};
}

}  // namespace recur::bench
