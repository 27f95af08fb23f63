// The block-resident sweep backward for __nv_bfloat16.
#include "kernels/cells/gru.cuh"
#include "kernels/cells/lstm.cuh"
#include "kernels/resident/block_backward.cuh"
#include "kernels/resident/sweeps.hpp"

namespace recur::kernels::resident {

using Lstm = cells::Lstm<device::StandardActivation>;
using cells::Gru;

const BackwardSweeps backward_bfloat16 = {
    {block_backward<Lstm, __nv_bfloat16>, prepare_block_backward<Lstm, __nv_bfloat16>},
    {block_backward<Gru, __nv_bfloat16>, prepare_block_backward<Gru, __nv_bfloat16>},
};

}  // namespace recur::kernels::resident
