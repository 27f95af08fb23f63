// The block-resident sweep forward for __nv_bfloat16.
#include "kernels/cells/gru.cuh"
#include "kernels/cells/lstm.cuh"
#include "kernels/resident/block_forward.cuh"
#include "kernels/resident/sweeps.hpp"

namespace recur::kernels::resident {

using Lstm = cells::Lstm<device::StandardActivation>;
using cells::Gru;

const ForwardSweeps forward_bfloat16 = {
    {block_forward<Lstm, __nv_bfloat16>, prepare_block_forward<Lstm, __nv_bfloat16>},
    {block_forward<Gru, __nv_bfloat16>, prepare_block_forward<Gru, __nv_bfloat16>},
};

}  // namespace recur::kernels::resident
