// The same LSTM computed by oneDNN on the CPU, in fp32: a second opinion that shares nothing with ours.
#pragma once

#include "tests/reference/lstm.hpp"

namespace reference {

struct OnednnLstm {
  LstmForward forward;  // gates and cells stay empty
  LstmGradients gradients;
};

// Training forward and backward of one layer in one direction. The arguments are as in lstm.hpp; values are
// rounded to fp32 on the way in. Throws dnnl::error.
OnednnLstm onednn_lstm(const LstmShape& shape, const LstmParameters& parameters, const LstmInputs& inputs,
                       const LstmOutputGradients& outputs);

}  // namespace reference
