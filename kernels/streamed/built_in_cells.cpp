#include "kernels/streamed/cells.hpp"
#include "kernels/streamed/launch.hpp"

namespace recur::kernels {

const recur_custom_cell* built_in_cell(recur_cell cell, recur_type type, recur_activation activation, bool extended) {
  if (activation == RECUR_ACTIVATION_LINEAR) {
    if (extended || (type != RECUR_TYPE_FLOAT32 && type != RECUR_TYPE_TFLOAT32)) return nullptr;
    if (cell == RECUR_CELL_LSTM) return &linear_lstm_float32;
    if (cell == RECUR_CELL_RNN_TANH || cell == RECUR_CELL_RNN_RELU) return &linear_rnn_float32;
    return nullptr;
  }
  const BuiltInCells& all = type == RECUR_TYPE_FLOAT16    ? cells_float16
                            : type == RECUR_TYPE_BFLOAT16 ? cells_bfloat16
                                                          : cells_float32;
  switch (cell) {
    case RECUR_CELL_LSTM: return extended ? &all.peephole_lstm : &all.lstm;
    case RECUR_CELL_GRU: return &all.gru;
    case RECUR_CELL_GRU_RESET_BEFORE: return &all.gru_reset_before;
    case RECUR_CELL_RNN_TANH: return &all.rnn_tanh;
    case RECUR_CELL_RNN_RELU: return &all.rnn_relu;
    case RECUR_CELL_CUSTOM: break;
  }
  return nullptr;
}

}  // namespace recur::kernels
