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

// The rows of the products over all steps, which cuBLASLt counts with 31 bits. Both factors are below 2^31.
int64_t rows_of_products(int64_t steps, int64_t batch) {
  const int64_t rows = steps * batch;
  if (rows > INT32_MAX)
    throw Failure(RECUR_NOT_SUPPORTED, "steps * batch is " + std::to_string(rows) + ", must be at most " +
                                           std::to_string(INT32_MAX));
  return rows;
}

}  // namespace

recur_layer_descriptor validated(const recur_layer_descriptor& descriptor) {
  recur_layer_descriptor d = descriptor;
  if (d.layers == 0) d.layers = 1;
  if (d.directions == 0) d.directions = 1;
  require_supported("cell", static_cast<int>(d.cell), RECUR_CELL_LSTM);
  require_supported("type", static_cast<int>(d.type), RECUR_TYPE_FLOAT32);
  require_range("steps", d.steps, 1, INT32_MAX);
  require_range("batch", d.batch, 1, INT32_MAX);
  require_range("input_size", d.input_size, 1, INT32_MAX);
  require_range("hidden_size", d.hidden_size, 1, (int64_t{1} << 29) - 1);
  require_supported("layers", d.layers, 1);
  require_supported("directions", d.directions, 1);
  require_range("activation", static_cast<int>(d.activation), RECUR_ACTIVATION_STANDARD, RECUR_ACTIVATION_LINEAR);
  // The largest buffers: gates [T,N,4H] and c [T,N,H] of the reserve, x [T,N,I], W_ih, W_hh; 4 bytes each.
  const int64_t rows = rows_of_products(d.steps, d.batch);
  require_elements("steps * batch * 5 hidden_size", rows, 5 * d.hidden_size);
  require_elements("steps * batch * input_size", rows, d.input_size);
  require_elements("4 hidden_size * input_size", 4 * d.hidden_size, d.input_size);
  require_elements("4 hidden_size * hidden_size", 4 * d.hidden_size, d.hidden_size);
  return d;
}

}  // namespace recur
