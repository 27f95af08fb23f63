#include "validate.hpp"

#include <string>

#include "arguments.hpp"
#include "check.hpp"
#include "geometry.hpp"
#include "kernels/streamed/launch.hpp"

namespace recur {
namespace {

[[noreturn]] void not_supported(const std::string& text) { throw Failure(RECUR_NOT_SUPPORTED, text); }

// The rows of the products over all steps, which cuBLASLt counts with 31 bits. Both factors are below 2^31.
int64_t rows_of_products(int64_t steps, int64_t batch) {
  const int64_t rows = steps * batch;
  if (rows > INT32_MAX)
    not_supported("steps * batch is " + std::to_string(rows) + ", must be at most " + std::to_string(INT32_MAX));
  return rows;
}

void check_lstm_only(const recur_layer_descriptor& d) {
  if (d.cell == RECUR_CELL_LSTM) return;
  const char* field = d.projection_size != 0 ? "projection_size"
                      : d.peepholes != 0     ? "peepholes"
                      : d.cell_clip != 0     ? "cell_clip"
                                             : nullptr;
  if (field != nullptr) not_supported(std::string(field) + " is set, and is offered for the LSTM alone");
}

void check_activation(const recur_layer_descriptor& d) {
  require_range("activation", static_cast<int>(d.activation), RECUR_ACTIVATION_STANDARD, RECUR_ACTIVATION_LINEAR);
  if (d.activation == RECUR_ACTIVATION_STANDARD) return;
  if (kernels::built_in_cell(d.cell, d.type, d.activation, d.peepholes != 0 || d.cell_clip != 0) == nullptr)
    not_supported("activation is linear, and is offered for the float LSTM (without peepholes and clip) and vanilla "
                  "cells alone");
}

void check_custom_cell(const recur_layer_descriptor& d) {
  if (d.cell != RECUR_CELL_CUSTOM) {
    if (d.custom_cell != nullptr) throw Failure(RECUR_INVALID_ARGUMENT, "custom_cell is given, and cell is not custom");
    return;
  }
  require_not_null("custom_cell", d.custom_cell);
  const recur_custom_cell& c = *d.custom_cell;
  const recur_type stored = d.type == RECUR_TYPE_TFLOAT32 ? RECUR_TYPE_FLOAT32 : d.type;
  if (c.type != stored)
    throw Failure(RECUR_INVALID_ARGUMENT, "custom_cell is described for type " + std::to_string(c.type) +
                                              ", and type is " + std::to_string(d.type));
  require_range("custom_cell.gates", c.gates, 1, 64);
  require_range("custom_cell.apart", c.apart, 0, c.gates);
  require_range("custom_cell.saved", c.saved, 0, 64);
  require_range("custom_cell.constants", c.constants, 0, 64);
  if (c.forward == nullptr || c.backward == nullptr)
    throw Failure(RECUR_INVALID_ARGUMENT, "custom_cell.forward or custom_cell.backward is NULL");
}

// Byte counts and element offsets stay below 2^63.
void check_elements(const recur_layer_descriptor& d, const Geometry& g) {
  const int64_t rows = rows_of_products(d.steps, d.batch), outputs = g.D * g.R, passes = g.passes();
  // What cuBLASLt counts with 31 bits.
  require_range("gates * hidden_size", g.G * g.H, 1, INT32_MAX);
  require_range("directions * hidden_size", outputs, 1, INT32_MAX);
  require_elements("layers * directions * steps * batch * hidden_size", passes * rows * (2 * (g.G + g.A + g.S + g.K) + 8), g.H);
  require_elements("steps * batch * input_size", rows, g.I);
  require_elements("layers * directions * gates * hidden_size * input_size", passes * g.G * g.H, g.I);
  require_elements("layers * directions * gates * hidden_size * hidden_size", passes * g.G * g.H, outputs);
}

}  // namespace

recur_layer_descriptor validated(const recur_layer_descriptor& descriptor) {
  recur_layer_descriptor d = descriptor;
  if (d.layers == 0) d.layers = 1;
  if (d.directions == 0) d.directions = 1;
  require_known("cell", static_cast<int>(d.cell), RECUR_CELL_CUSTOM);
  require_known("type", static_cast<int>(d.type), RECUR_TYPE_BFLOAT16);
  require_range("steps", d.steps, 1, INT32_MAX);
  require_range("batch", d.batch, 1, INT32_MAX);
  require_range("input_size", d.input_size, 1, INT32_MAX);
  require_range("hidden_size", d.hidden_size, 1, (int64_t{1} << 29) - 1);
  require_range("layers", d.layers, 1, 1024);
  require_range("directions", d.directions, 1, 2);
  check_lstm_only(d);
  if (d.projection_size != 0) require_range("projection_size", d.projection_size, 1, d.hidden_size - 1);
  require_number("cell_clip", d.cell_clip, 0, 3.4e38);
  require_below("dropout", d.dropout, 0, 1);
  check_activation(d);
  check_custom_cell(d);
  if (d.truncation_period != 0) {
    require_range("truncation_period", d.truncation_period, 1, d.steps);
    require_range("truncation_length", d.truncation_length, d.truncation_period, INT32_MAX);
    if (d.directions != 1)
      not_supported("truncation_period is set, and is offered for one direction alone: the other's steps come last");
  } else if (d.truncation_length != 0) {
    throw Failure(RECUR_INVALID_ARGUMENT, "truncation_length is set without truncation_period");
  }
  require_range("residency", static_cast<int>(d.residency), RECUR_RESIDENCY_AUTOMATIC, RECUR_RESIDENCY_BLOCK);
  check_elements(d, Geometry(d, cell_of(d)));
  return d;
}

const recur_custom_cell& cell_of(const recur_layer_descriptor& d) {
  if (d.cell == RECUR_CELL_CUSTOM) return *d.custom_cell;
  return *kernels::built_in_cell(d.cell, d.type, d.activation, d.peepholes != 0 || d.cell_clip != 0);
}

}  // namespace recur
