// The sweeps whose recurrent weights stay on chip: one launch for all steps of a chunk or window, in place of the streamed
// sweep's product and kernel for each.
#pragma once

#include "backward_pass.hpp"
#include "forward_pass.hpp"

namespace recur {

// The biases that the input products of a resident pass add: b_ih, and b_hh of the gates that are not taken apart. In the
// place of b_ih, which is a copy already since the types are of 16 bits.
void join_biases(const ForwardPass& f);

// Steps begin.. of the pass; a: W x and biases of the first of them, the others' beside it in time.
void resident_sweep(ForwardPass& f, const Sequence& s, const float* a, int64_t begin, int64_t count);

void resident_sweep(const BackwardPass& b);

}  // namespace recur
