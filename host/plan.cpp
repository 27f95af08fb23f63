#include "plan.hpp"

#include <algorithm>

#include "check.hpp"
#include "choose.hpp"
#include "validate.hpp"

recur_layer_plan::recur_layer_plan(const recur_layer_descriptor& d)
    : descriptor(d), device(recur::current_device()), cell(recur::cell_of(d)), geometry(d, cell),
      windows(recur::windows_of(d)), layout(recur::layout(d, geometry)),
      choice(recur::choose(d, geometry, layout.chunk, recur::device_info(device))),
      block(choice.residency == RECUR_RESIDENCY_BLOCK ? recur::kernels::block_sweep(d.cell, d.type)
                                                      : recur::kernels::BlockSweep{}),
      products(recur::LayerShapes(d, geometry, layout.chunk)),
      // An event for each layer's latest chunk, and for each lane of the backward pass.
      fork(geometry.passes() == 1 ? 0 : static_cast<int>(std::max(geometry.L, 2 * layout.backward.lanes))) {
  if (block.forward == nullptr) return;
  const size_t most_shared = recur::device_info(device).shared_per_block;
  RECUR_CUDA(block.prepare_forward(geometry.H, most_shared));
  RECUR_CUDA(block.prepare_backward(geometry.H, most_shared));
}
