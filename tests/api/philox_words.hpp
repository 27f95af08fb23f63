#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace recur::test {

// inputs [count,6] (four counter words, two of the key) and outputs [count,4] on the device.
cudaError_t philox_words(const uint32_t* inputs, uint32_t* outputs, int count);

}  // namespace recur::test
