// The block-resident sweep forward for __half.
#include "kernels/cells/gru.cuh"
#include "kernels/cells/lstm.cuh"
#include "kernels/resident/block_forward.cuh"
#include "kernels/resident/sweeps.hpp"

namespace recur::kernels::resident {

using Lstm = cells::Lstm<device::StandardActivation>;
using cells::Gru;

const ForwardSweeps forward_float16 = {
    {block_forward<Lstm, __half>, prepare_block_forward<Lstm, __half>},
    {block_forward<Gru, __half>, prepare_block_forward<Gru, __half>},
};

}  // namespace recur::kernels::resident
