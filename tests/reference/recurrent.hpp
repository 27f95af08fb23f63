// The recurrent layers other than the LSTM by their definitions, in fp64: one layer, one direction.
//   T steps, N batch, I inputs, H hidden;  x [T,N,I]  h0 hT [N,H]  y [T,N,H]
//   vanilla  G = 1               h = act(W x + b_ih + U h' + b_hh)
//   GRU      G = 3, order r z n  r = s(W_r x + b_ir + U_r h' + b_hr)   z likewise   h = (1-z) n + z h'
//     reset after   n = tanh(W_n x + b_in + r (U_n h' + b_hn))
//     reset before  n = tanh(W_n x + b_in + U_n (r h') + b_hn)
//   W [G*H,I]  U [G*H,H]  b_ih b_hh [G*H]
#pragma once

#include <cstdint>
#include <vector>

namespace reference {

using Vector = std::vector<double>;

enum class RecurrentCell { tanh, relu, identity, gru_reset_after, gru_reset_before };

struct RecurrentShape {
  int64_t steps, batch, inputs, hidden;
};

struct RecurrentParameters {
  Vector w_ih, w_hh, b_ih, b_hh;
};

struct RecurrentForward {
  Vector y, hT;
  Vector gates;      // [T,N,G,H] after their activation
  Vector candidate;  // reset after: U_n h' + b_hn [T,N,H]; else empty
};

struct RecurrentGradients {
  Vector dx, dh0, dw_ih, dw_hh, db_ih, db_hh;
};

int64_t gate_count(RecurrentCell cell);

// An empty h0, dy or dhT is zeros.
RecurrentForward recurrent_forward(RecurrentCell cell, const RecurrentShape& shape,
                                   const RecurrentParameters& parameters, const Vector& x, const Vector& h0);

RecurrentGradients recurrent_backward(RecurrentCell cell, const RecurrentShape& shape,
                                      const RecurrentParameters& parameters, const Vector& x,
                                      const Vector& h0, const RecurrentForward& forward, const Vector& dy,
                                      const Vector& dhT);

}  // namespace reference
