#include "kernel_table.hpp"
#include "measure.hpp"
#include "recur/recur.hpp"
#include "time_gpu.hpp"

namespace recur::bench {
namespace {

const Timer& timer() {
  static const Timer the_timer;
  return the_timer;
}

}  // namespace

const bool kEmulated = false;

void measure(LayerRow& row) { row.timings = time_layer(timer(), row.shape.layer, row.pass); }

std::vector<KernelRow> measure_kernels(size_t k) {
  const Stream stream;
  const KernelWork work = make_kernel_work(k, stream);
  stream.synchronize();
  KernelRow row;
  row.call = work.call;
  row.shape = work.shape;
  row.timing = timer().time("recur", work.run);
  return {row};
}

}  // namespace recur::bench
