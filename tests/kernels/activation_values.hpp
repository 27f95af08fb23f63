// The activations of recur/device/math.cuh, value by value.
#pragma once

#include <vector>

namespace recur::test {

enum class Function { sigmoid, tanh, exponential };

// f(x) for every x, computed on the device.
std::vector<float> activation_values(Function function, const std::vector<float>& x);

}  // namespace recur::test
