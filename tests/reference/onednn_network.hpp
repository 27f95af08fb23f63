// The network of network.hpp computed by oneDNN on the CPU, in fp32: a second opinion that shares nothing
// with ours.
#pragma once

#include "tests/reference/network.hpp"

namespace reference {

struct OnednnNetwork {
  Vector y, hT, cT;
  NetworkGradients gradients;
};

// Training forward and backward; values are rounded to fp32 on the way in. Throws std::invalid_argument, with
// its name, for what oneDNN has no way to do: linear gates, a cell clip, lengths, resets, dropout.
OnednnNetwork onednn_network(const NetworkShape& shape, const std::vector<LayerWeights>& weights,
                             const NetworkInputs& inputs, const Vector& dy, const Vector& dhT,
                             const Vector& dcT);

}  // namespace reference
