#include "validate.hpp"

#include <string>

#include "arguments.hpp"
#include "check.hpp"

namespace recur {
namespace {

// What is refused is one of the declared values, or a number that no version of the interface knows.
void require_supported(const char* field, int64_t value, int64_t supported) {
  if (value == supported) return;
  throw Failure(value > supported ? RECUR_NOT_SUPPORTED : RECUR_INVALID_ARGUMENT,
                std::string(field) + " is " + std::to_string(value) + ", only " + std::to_string(supported) +
                    " is supported");
}

// a * b, or a Failure where it leaves 63 bits.
int64_t product(const char* what, int64_t a, int64_t b) {
  int64_t result;
  if (__builtin_mul_overflow(a, b, &result))
    throw Failure(RECUR_INVALID_ARGUMENT, std::string(what) + " is " + std::to_string(a) + " * " + std::to_string(b) +
                                              " elements, more than 2^63");
  return result;
}

}  // namespace

recur_layer_descriptor validated(const recur_layer_descriptor& descriptor) {
  recur_layer_descriptor d = descriptor;
  if (d.layers == 0) d.layers = 1;
  if (d.directions == 0) d.directions = 1;
  require_supported("cell", d.cell, RECUR_CELL_LSTM);
  require_supported("type", d.type, RECUR_TYPE_FLOAT32);
  require_range("steps", d.steps, 1, INT32_MAX);
  require_range("batch", d.batch, 1, INT32_MAX);
  require_range("input_size", d.input_size, 1, INT32_MAX);
  require_range("hidden_size", d.hidden_size, 1, (int64_t{1} << 29) - 1);
  require_supported("layers", d.layers, 1);
  require_supported("directions", d.directions, 1);
  require_range("activation", d.activation, RECUR_ACTIVATION_STANDARD, RECUR_ACTIVATION_LINEAR);
  // The largest buffers: gates [T,N,4H] and c [T,N,H] of the reserve, x [T,N,I], W_ih, W_hh; 4 bytes each.
  const int64_t rows = product("steps * batch", d.steps, d.batch);
  require_elements("steps * batch * 5 hidden_size", rows, 5 * d.hidden_size);
  require_elements("steps * batch * input_size", rows, d.input_size);
  require_elements("4 hidden_size * input_size", 4 * d.hidden_size, d.input_size);
  require_elements("4 hidden_size * hidden_size", 4 * d.hidden_size, d.hidden_size);
  return d;
}

}  // namespace recur
