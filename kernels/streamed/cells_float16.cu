// The sweep's kernels of every cell for __half.
#include "kernels/streamed/cells.cuh"

namespace recur::kernels {

const BuiltInCells cells_float16 = describe_all<__half>();

}  // namespace recur::kernels
