// A stand-in for cuDNN's RNN calls, written from their documentation: what they check, where weights lie, which layouts
// there are. It computes with the fp64 reference on whatever recur::device is. A program that has it in place of cuDNN
// tests our side of the interface without a GPU; of cuDNN itself it says nothing.
#pragma once

#include <string>
#include <vector>

namespace recur::cudnn::stand_in {

// What calls have found since the last time: an argument that cuDNN's documentation does not allow.
std::vector<std::string> complaints();

// From now on the first two gates change places, as if cuDNN had them in another order.
void exchange_gates(bool exchanged);

}  // namespace recur::cudnn::stand_in
