// The library's cells, described for each element type (one translation unit a type).
#pragma once

#include "recur/sweep.hpp"

namespace recur::kernels {

struct BuiltInCells {
  recur_custom_cell lstm, peephole_lstm, gru, gru_reset_before, rnn_tanh, rnn_relu;
};
extern const BuiltInCells cells_float32, cells_float16, cells_bfloat16;
extern const recur_custom_cell linear_lstm_float32, linear_rnn_float32;

}  // namespace recur::kernels
