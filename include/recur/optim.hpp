/// The optimisers and the global norm of recur/optim.h with exceptions in place of status codes. @file
#pragma once

#include "recur/error.hpp"
#include "recur/optim.h"

namespace recur {

using GlobalNorm = recur_global_norm_args;        ///< to be set to zero first
using OptimizerStep = recur_optimizer_step_args;  ///< likewise
/// Bytes of workspace for count buffers of sizes[i] elements.
inline size_t global_norm_workspace(int count, const int64_t* sizes) {
  size_t bytes = 0;
  check(recur_global_norm_workspace(count, sizes, &bytes));
  return bytes;
}
inline void global_norm(const GlobalNorm& args) { check(recur_global_norm(&args)); }  ///< enqueues

inline void optimizer_step(const OptimizerStep& args) { check(recur_optimizer_step(&args)); }  ///< enqueues

}  // namespace recur
