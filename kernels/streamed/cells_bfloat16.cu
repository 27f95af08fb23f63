// The sweep's kernels of every cell for __nv_bfloat16.
#include "kernels/streamed/cells.cuh"

namespace recur::kernels {

const BuiltInCells cells_bfloat16 = describe_all<__nv_bfloat16>();

}  // namespace recur::kernels
