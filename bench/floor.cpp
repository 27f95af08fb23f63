#include "floor.hpp"

#include <algorithm>

#include "layer_call.hpp"

namespace recur::bench {

const char* const kFloorInWords =
    "x, y, the states before and after once each; in training dy, dx and the states' gradients once each, x, "
    "y and the "
    "states before once more, the reserve written once and read once, the parameters' gradients (float) "
    "written once; W_ih, biases and W_hr once a pass; "
    "W_hh once a step where it is streamed, once a sequence where it stays on chip";

double floor_bytes(const recur_layer_descriptor& d, Pass pass, bool streamed, double reserve) {
  const double typed = static_cast<double>(element_bytes(d.type)), single = 4;
  const double T = pass == Pass::step ? 1 : static_cast<double>(d.steps), N = static_cast<double>(d.batch);
  const double I = static_cast<double>(d.input_size), H = static_cast<double>(d.hidden_size);
  const double L = static_cast<double>(std::max<int64_t>(d.layers, 1)),
               D = static_cast<double>(std::max<int64_t>(d.directions, 1));
  const double P = static_cast<double>(d.projection_size), R = P > 0 ? P : H, G = gates_of(d.cell);
  const bool has_c = d.cell == RECUR_CELL_LSTM;

  const double w_hh = L * D * G * H * R, w_ih = D * G * H * (I + (L - 1) * D * R);
  const double others = w_ih + L * D * (2 * G * H + P * H + (d.peepholes != 0 ? 3 * H : 0));
  const double weights = typed * (others + w_hh * (streamed ? T : 1));
  const double x = typed * T * N * I, y = typed * T * N * D * R;
  const double h = L * D * N * R, c = has_c ? L * D * N * H : 0;
  const double forward = x + y + weights + 2 * (typed * h + single * c);
  if (pass != Pass::training) return forward;
  // Read: dy, y, x, h0, c0, dhT, dcT, the reserve, the weights. Written: dx, dh0, dc0, the parameters'
  // gradients.
  const double backward =
      2 * y + 2 * x + typed * h + single * c + 2 * single * (h + c) + weights + single * (others + w_hh);
  return forward + backward + 2 * reserve;
}

}  // namespace recur::bench
