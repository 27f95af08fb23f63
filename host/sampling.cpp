#include <algorithm>
#include <cfloat>

#include "arguments.hpp"
#include "check.hpp"
#include "kernels/sequence/launch.hpp"
#include "overlap.hpp"
#include "recur/sequence.h"

recur_status recur_sample(const recur_sample_args* args) {
  return recur::guard([&] {
    using namespace recur;
    require_not_null("args", args);
    const recur_sample_args& a = *args;
    require_range("rows", a.rows, 0, int64_t{1} << 40);
    require_range("classes", a.classes, 1, int64_t{1} << 30);
    require_elements("rows * classes", a.rows, a.classes);
    require_number("temperature", a.temperature, 0, FLT_MAX);
    if (a.rows == 0) return;
    Overlaps buffers;
    buffers.input("logits", a.logits, sizeof(float) * a.rows * a.classes);
    buffers.output("samples", a.samples, sizeof(int32_t) * a.rows);
    buffers.optional_output("log_probabilities", a.log_probabilities, sizeof(float) * a.rows);
    buffers.check();
    require_no_pending_error();
    // The inverse of a subnormal temperature would be infinite, and 0 * infinity the score of the largest
    // logit. The inverse of FLT_MAX is subnormal and must not become 0, which stands for greedy.
    double inverse = a.temperature == 0 ? 0 : std::clamp<double>(1.0 / a.temperature, FLT_MIN, FLT_MAX);
    RECUR_CUDA(kernels::sample({a.rows, a.classes, a.logits, static_cast<float>(inverse), a.seed, a.offset,
                                a.samples, a.log_probabilities},
                               a.stream));
  });
}
