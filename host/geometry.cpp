#include "geometry.hpp"

#include "gemm.hpp"

namespace recur {

Geometry::Geometry(const recur_layer_descriptor& d, const recur_custom_cell& cell)
    : T(d.steps), N(d.batch), I(d.input_size), H(d.hidden_size), L(d.layers), D(d.directions),
      R(d.projection_size > 0 ? d.projection_size : d.hidden_size), P(d.projection_size), G(cell.gates), A(cell.apart),
      S(cell.saved), K(cell.constants), type(d.type),
      element(element_size(d.type)), state(cell.state),
      direct(cell.direct), before(d.cell == RECUR_CELL_GRU_RESET_BEFORE), masked(d.ragged != 0 || d.resets != 0),
      own_x(d.ragged != 0 || d.batch_first != 0), own_y(d.batch_first != 0), dropout(d.dropout > 0),
      learned(d.learned_states != 0) {
  if (d.cell == RECUR_CELL_LSTM && d.peepholes == 0) K = 0;  // a clip alone takes the same cell
}

int64_t Geometry::pass_elements(int64_t layer) const {
  return G * H * (inputs(layer) + R + 2) + P * H + K * H;
}

int64_t Geometry::pass_begin(int64_t layer, int64_t direction) const {
  const int64_t below = layer == 0 ? 0 : D * (pass_elements(0) + (layer - 1) * pass_elements(1));
  return below + direction * pass_elements(layer);
}

recur_parameter_place Geometry::parameter(int64_t layer, int64_t direction, recur_parameter which) const {
  const recur_parameter_place shapes[] = {{0, G * H, inputs(layer)}, {0, G * H, R}, {0, G * H, 1},
                                          {0, G * H, 1},             {0, P, H},     {0, K, H}};
  int64_t offset = pass_begin(layer, direction);
  for (int before_it = 0; before_it < which; ++before_it) offset += shapes[before_it].rows * shapes[before_it].columns;
  recur_parameter_place place = shapes[which];
  place.offset = static_cast<size_t>(offset);
  return place;
}

}  // namespace recur
