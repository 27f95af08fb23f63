#include "count_emulated.hpp"
#include "kernel_table.hpp"
#include "measure.hpp"
#include "recur/recur.hpp"

namespace recur::bench {

const bool kEmulated = true;

void measure(LayerRow& row) { row.counts = count_call(row.shape.layer, row.pass); }

std::vector<KernelRow> measure_kernels(size_t k) {
  const Stream stream;
  const KernelWork work = make_kernel_work(k, stream);
  std::vector<KernelRow> rows;
  for (const KernelCounts& counts : count_kernels([&] { work.run(stream); }, stream)) {
    for (const Expectation& expected : work.kernels) {
      if (counts.mangled.find(expected.part) == std::string::npos) continue;
      KernelRow row;
      row.call = work.call;
      row.shape = work.shape;
      row.counts = counts;
      row.least_bytes = expected.least_bytes;
      row.elements = expected.elements;
      rows.push_back(row);
    }
  }
  return rows;
}

}  // namespace recur::bench
