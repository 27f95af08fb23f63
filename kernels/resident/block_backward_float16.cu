// The block-resident sweep backward for __half.
#include "kernels/cells/gru.cuh"
#include "kernels/cells/lstm.cuh"
#include "kernels/resident/block_backward.cuh"
#include "kernels/resident/sweeps.hpp"

namespace recur::kernels::resident {

using Lstm = cells::Lstm<device::StandardActivation>;
using cells::Gru;

const BackwardSweeps backward_float16 = {
    {block_backward<Lstm, __half>, prepare_block_backward<Lstm, __half>},
    {block_backward<Gru, __half>, prepare_block_backward<Gru, __half>},
};

}  // namespace recur::kernels::resident
