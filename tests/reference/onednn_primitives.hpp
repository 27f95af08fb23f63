// oneDNN's recurrent primitives, made for a cell: each has a class of its own and takes other descriptors.
#pragma once

#include <dnnl.hpp>

#include "tests/reference/network.hpp"

namespace reference {

// Some layers, all in one primitive, in one direction or both.
struct OnednnDescs {
  dnnl::memory::desc x, h, c, bias, y;                 // c is empty where the cell has none
  dnnl::memory::desc w_ih, w_hh, w_hr, peephole;       // as the forward pass wants them, and gradients come
  dnnl::memory::desc w_ih_back, w_hh_back, w_hr_back;  // as the backward pass wants them
};

// A GRU that resets after has a bias of its own for the candidate's recurrent product.
int64_t onednn_bias_gates(const NetworkShape& shape);

OnednnDescs onednn_descs(const NetworkShape& shape, int64_t first_layer, int64_t layers);

struct OnednnPrimitives {
  dnnl::primitive forward, backward;
  dnnl::memory::desc workspace;
};

OnednnPrimitives onednn_primitives(const NetworkShape& shape, const OnednnDescs& descs,
                                   const dnnl::engine& engine);

}  // namespace reference
