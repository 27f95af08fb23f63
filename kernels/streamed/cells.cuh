// What the three files of built-in cells have in common.
#pragma once

#include "kernels/cells/gru.cuh"
#include "kernels/cells/lstm.cuh"
#include "kernels/cells/vanilla.cuh"
#include "kernels/streamed/cells.hpp"

namespace recur::kernels {

template <class T>
constexpr BuiltInCells describe_all() {
  return {describe<cells::Lstm<device::StandardActivation>, T>(),
          describe<cells::PeepholeLstm, T>(),
          describe<cells::Gru, T>(),
          describe<cells::GruResetBefore, T>(),
          describe<cells::Vanilla<cells::Tanh>, T>(),
          describe<cells::Vanilla<cells::Relu>, T>()};
}

}  // namespace recur::kernels
