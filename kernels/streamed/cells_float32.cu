// The sweep's kernels of every cell for float.
#include "kernels/streamed/cells.cuh"

namespace recur::kernels {

const BuiltInCells cells_float32 = describe_all<float>();
// For tests of deep recurrences: float alone.
const recur_custom_cell linear_lstm_float32 = describe<cells::Lstm<device::LinearActivation>, float>();
const recur_custom_cell linear_rnn_float32 = describe<cells::Vanilla<cells::Identity>, float>();

}  // namespace recur::kernels
