#include "arguments.hpp"
#include "check.hpp"
#include "kernels/sequence/launch.hpp"
#include "overlap.hpp"
#include "recur/sequence.h"

namespace recur {
namespace {

constexpr size_t kRowLosses = 16;  // bytes before them: the count of valid targets

void check_sizes(int64_t rows, int64_t classes) {
  require_range("rows", rows, 0, int64_t{1} << 40);
  require_range("classes", classes, 1, INT32_MAX);
  require_elements("rows * classes", rows, classes);
}

size_t workspace_bytes(int64_t rows) {
  return kRowLosses + (static_cast<size_t>(rows) * sizeof(float) + 15) / 16 * 16;
}

}  // namespace
}  // namespace recur

recur_status recur_cross_entropy_workspace(int64_t rows, int64_t classes, size_t* bytes) {
  return recur::guard([&] {
    recur::require_not_null("bytes", bytes);
    recur::check_sizes(rows, classes);
    *bytes = recur::workspace_bytes(rows);
  });
}

recur_status recur_cross_entropy(const recur_cross_entropy_args* args) {
  return recur::guard([&] {
    using namespace recur;
    require_not_null("args", args);
    const recur_cross_entropy_args& a = *args;
    check_sizes(a.rows, a.classes);
    require_number("smoothing", a.smoothing, 0, 1);
    require_range("reduction", a.reduction, RECUR_REDUCTION_MEAN, RECUR_REDUCTION_SUM);
    const size_t row_bytes = sizeof(float) * a.rows, logit_bytes = row_bytes * a.classes;
    Overlaps buffers;
    if (a.rows > 0) {
      buffers.input("logits", a.logits, logit_bytes);
      buffers.input("targets", a.targets, sizeof(int32_t) * a.rows);
    }
    buffers.optional_output("loss", a.loss, sizeof(float));
    buffers.optional_output("row_losses", a.row_losses, row_bytes);
    buffers.optional_output("gradient", a.gradient, logit_bytes, "logits");
    buffers.optional_output("bad_targets", a.bad_targets, sizeof(int32_t));
    require_workspace("workspace", a.workspace, a.workspace_size, workspace_bytes(a.rows));
    buffers.scratch("workspace", a.workspace, workspace_bytes(a.rows));
    buffers.check();
    require_no_pending_error();
    char* workspace = static_cast<char*>(a.workspace);

    kernels::CrossEntropy k = {};
    k.rows = a.rows;
    k.classes = a.classes;
    k.logits = a.logits;
    k.targets = a.targets;
    k.use_ignore_index = a.use_ignore_index != 0;
    k.ignore_index = a.ignore_index;
    k.smoothing = a.smoothing;
    k.mean = a.reduction == RECUR_REDUCTION_MEAN;
    k.loss = a.loss;
    k.row_losses = a.row_losses;
    if (k.row_losses == nullptr && a.loss != nullptr)
      k.row_losses = reinterpret_cast<float*>(workspace + kRowLosses);
    k.gradient = a.gradient;
    k.bad_targets = a.bad_targets;
    k.count = reinterpret_cast<int64_t*>(workspace);
    RECUR_CUDA(kernels::cross_entropy(k, a.stream));
  });
}
