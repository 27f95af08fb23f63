// A whole recurrent network by its definition, in fp64 and plain loops: layers, directions, projection,
// peepholes, a clipped cell, rows of different lengths, resets within a sequence and dropout between layers.
//   T steps, N batch, I inputs, H hidden, P projection, R = P or H, L layers, D directions, G gates
//   vanilla  G = 1                 h = act(W x + b_ih + U h' + b_hh)
//   LSTM     G = 4, order i f g o  a = W x + b_ih + U h' + b_hh
//     i = s(a_i + p_i c')  f = s(a_f + p_f c')  g = tanh(a_g)  c = clamp(f c' + i g, -clip, clip)
//     o = s(a_o + p_o c)   h = o tanh(c), or W_hr (o tanh(c))
//   GRU      G = 3, order r z n    r = s(W_r x + b_ir + U_r h' + b_hr), z likewise    h = (1-z) n + z h'
//     reset after   n = tanh(W_n x + b_in + r (U_n h' + b_hn))
//     reset before  n = tanh(W_n x + b_in + U_n (r h') + b_hn)
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace reference {

using Vector = std::vector<double>;

// lstm_linear: s and tanh are the identity, in the gates and on the cell. Nothing saturates, so an error made
// at any step reaches the end.
enum class Cell { rnn_tanh, rnn_relu, rnn_identity, lstm, lstm_linear, gru, gru_reset_before };

struct NetworkShape {
  Cell cell;
  int64_t steps, batch, inputs, hidden;
  int64_t layers = 1, directions = 1;
  int64_t projection = 0;  // 0: none. LSTM only
  bool peepholes = false;  // LSTM only
  double cell_clip = 0;    // 0: none. LSTM only. The clamp's gradient is 0 strictly outside, 1 elsewhere

  int64_t state_size() const { return projection > 0 ? projection : hidden; }  // R
  int64_t gates() const;                                                       // G
  bool has_cells() const { return cell == Cell::lstm || cell == Cell::lstm_linear; }
  int64_t layer_inputs(int64_t layer) const { return layer == 0 ? inputs : directions * state_size(); }
};

// Of one layer and direction, of index layer * D + direction:
//   w_ih [G*H, I or D*R]  w_hh [G*H,R]  b_ih b_hh [G*H]  w_hr [P,H]  peephole [3,H] in the order i f o
// An absent bias is zeros.
struct LayerWeights {
  Vector w_ih, w_hh, b_ih, b_hh, w_hr, peephole;

  static std::vector<std::pair<std::string, Vector LayerWeights::*>> tensors() {
    return {{"w_ih", &LayerWeights::w_ih}, {"w_hh", &LayerWeights::w_hh},
            {"b_ih", &LayerWeights::b_ih}, {"b_hh", &LayerWeights::b_hh},
            {"w_hr", &LayerWeights::w_hr}, {"peephole", &LayerWeights::peephole}};
  }
};

struct NetworkInputs {
  Vector x;       // [T,N,I]
  Vector h0, c0;  // [L*D,N,R] [L*D,N,H]; empty: zeros
  // 0..T for each row, in any order; empty: all T. Beyond it x is not read, y is 0 and the states stay. The
  // reverse direction begins at the row's own end.
  std::vector<int64_t> lengths;
  // [T,N]; empty: none. Where it is not zero the row's h and c, of every layer and direction, are zero before
  // that step is computed, in the order in which a direction goes. No gradient passes to the state before.
  std::vector<uint8_t> reset;
  // Layers - 1 times [T,N,D*R]; empty: none. The output of layer l is multiplied by these factors on its way
  // to layer l + 1, not on its way to y.
  std::vector<Vector> dropout;
};

// What one step of one layer and direction worked on, for the A rows whose sequence has such a step.
struct NetworkStep {
  std::vector<int64_t> rows, times;  // [A]: which row, and the t at which it is
  std::vector<bool> reset;           // [A]
  Vector x;                          // [A, inputs of the layer]
  Vector h_before, c_before;         // [A,R] [A,H], after a reset
  Vector gates;                      // [A,G,H] after their activation
  Vector candidate;                  // GRU, reset after: U_n h' + b_hn [A,H]
  Vector unclipped, cell;            // LSTM: c before and after the clamp [A,H]
  Vector unprojected;                // LSTM: o tanh(c) [A,H]
};

struct NetworkForward {
  Vector y;               // [T,N,D*R]
  Vector hT, cT;          // [L*D,N,R] [L*D,N,H]; cT is empty where the cell has no c
  Vector hiddens, cells;  // every h and c that was computed, in no order to rely on: the scale of hT and cT
  std::vector<std::vector<NetworkStep>> passes;  // [L*D] in the order in which each was computed
};

struct NetworkGradients {
  Vector dx, dh0, dc0;  // dc0 is empty where the cell has no c
  std::vector<LayerWeights> weights;
};

// Both throw std::invalid_argument for a size that is not the shape's. Empty dy, dhT, dcT are zeros.
NetworkForward network_forward(const NetworkShape& shape, const std::vector<LayerWeights>& weights,
                               const NetworkInputs& inputs);

NetworkGradients network_backward(const NetworkShape& shape, const std::vector<LayerWeights>& weights,
                                  const NetworkInputs& inputs, const NetworkForward& forward,
                                  const Vector& dy, const Vector& dhT, const Vector& dcT);

}  // namespace reference
