// The table "kernels": some of the library's kernels each over some shapes, against the fewest bytes that
// their inputs and outputs allow.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "recur/device.h"

namespace recur::bench {

struct Expectation {
  std::string part;    // of the kernel's mangled name
  double least_bytes;  // inputs read once, outputs written once
  double elements;     // that instructions are divided by
};

struct KernelWork {
  std::string call, shape;
  std::function<void(recur_stream)> run;  // enqueues
  std::vector<Expectation> kernels;
};

// One piece of work at a time, so that only its buffers are held: entry k of how many there are.
size_t kernel_work_count();
KernelWork make_kernel_work(size_t k, recur_stream stream);

}  // namespace recur::bench
