// The LSTM layer by its definition, in fp64: one layer, one direction, plain loops; written apart from
// network.hpp, as a check on it. Shapes:
//   T steps, N batch, I inputs, H hidden; gates in the order i f g o.
//   x [T,N,I]  h0 c0 hT cT [N,H]  y [T,N,H]  W_ih [4H,I]  W_hh [4H,H]  b_ih b_hh [4H]
//   a = W_ih x_t + b_ih + W_hh h_{t-1} + b_hh
//   i = s(a_i)  f = s(a_f)  g = tanh(a_g)  o = s(a_o)    c_t = f c_{t-1} + i g    h_t = o tanh(c_t)
#pragma once

#include <cstdint>
#include <vector>

namespace reference {

using Vector = std::vector<double>;

struct LstmShape {
  int64_t steps, batch, inputs, hidden;
};

// linear: s and tanh are the identity, in the gates and on the cell. Nothing saturates, so an error made
// at any step reaches the end.
enum class Activation { standard, linear };

struct LstmParameters {
  Vector w_ih, w_hh, b_ih, b_hh;
};

// An empty state is a state of zeros.
struct LstmInputs {
  Vector x, h0, c0;
};

struct LstmForward {
  Vector y, hT, cT;
  Vector gates;  // [T,N,4,H] after their activation
  Vector cells;  // [T,N,H]
};

// The derivative of a loss by y, hT and cT; empty is zero.
struct LstmOutputGradients {
  Vector dy, dhT, dcT;
};

struct LstmGradients {
  Vector dx, dh0, dc0, dw_ih, dw_hh, db_ih, db_hh;
};

LstmForward lstm_forward(const LstmShape& shape, const LstmParameters& parameters, const LstmInputs& inputs,
                         Activation activation = Activation::standard);

LstmGradients lstm_backward(const LstmShape& shape, const LstmParameters& parameters,
                            const LstmInputs& inputs, const LstmForward& forward,
                            const LstmOutputGradients& outputs, Activation activation = Activation::standard);

}  // namespace reference
