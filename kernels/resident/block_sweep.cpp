// Which cells and types have a block-resident sweep.
#include "kernels/resident/sweeps.hpp"

namespace recur::kernels {

BlockSweep block_sweep(recur_cell cell, recur_type type) {
  using namespace resident;
  if (type != RECUR_TYPE_FLOAT16 && type != RECUR_TYPE_BFLOAT16) return {};
  const ForwardSweeps& forward = type == RECUR_TYPE_FLOAT16 ? forward_float16 : forward_bfloat16;
  const BackwardSweeps& backward = type == RECUR_TYPE_FLOAT16 ? backward_float16 : backward_bfloat16;
  if (cell != RECUR_CELL_LSTM && cell != RECUR_CELL_GRU) return {};
  const ForwardSweep& f = cell == RECUR_CELL_LSTM ? forward.lstm : forward.gru;
  const BackwardSweep& b = cell == RECUR_CELL_LSTM ? backward.lstm : backward.gru;
  return {f.run, b.run, f.prepare, b.prepare};
}

}  // namespace recur::kernels
