// What is done with each input, of libFuzzer or of the corpus: it is read as a safetensors file, and, where it is one,
// written and read again and imported into small layers in every format. Whatever the input, the outcome is a set or a
// Failure of one line; a sanitizer, or abort() below, tells of anything else.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "host/check.hpp"
#include "host/weights/mapping.hpp"
#include "host/weights/safetensors.hpp"

namespace recur {
namespace {

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

template <class Body>
bool succeeds(Body&& body) {
  try {
    body();
    return true;
  } catch (const Failure& failure) {
    const std::string text = failure.what();
    require(!text.empty() && text.size() < 2000 && text.find('\n') == std::string::npos, "an error is a line");
    return false;
  }
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

struct Network {
  recur_layer_descriptor descriptor;
  recur_custom_cell cell;  // of which the layout needs the counts
};

std::vector<Network> networks() {
  std::vector<Network> all;
  for (const recur_cell which : {RECUR_CELL_LSTM, RECUR_CELL_GRU, RECUR_CELL_GRU_RESET_BEFORE, RECUR_CELL_RNN_TANH}) {
    for (const int64_t directions : {1, 2}) {
      Network n = {};
      n.descriptor.cell = which, n.descriptor.type = RECUR_TYPE_FLOAT32, n.descriptor.steps = n.descriptor.batch = 1;
      n.descriptor.input_size = 1, n.descriptor.hidden_size = 2, n.descriptor.layers = 1;
      n.descriptor.directions = directions;
      n.cell.gates = which == RECUR_CELL_LSTM ? 4 : which == RECUR_CELL_RNN_TANH ? 1 : 3;
      all.push_back(n);
    }
  }
  Network n = all[0];
  n.descriptor.peepholes = 1, n.cell.constants = 3;
  all.push_back(n);  // peepholes, ONNX and oneDNN
  n = all[0];
  n.descriptor.projection_size = 1;
  all.push_back(n);  // a projection, PyTorch, cuDNN and oneDNN
  return all;
}

// Is there anything of the format's? The rest costs time and shows the same missing tensor.
bool mentions(recur_weights_format format, const TensorSet& set) {
  const char* begins[] = {"", "weight_", "pseudo_layer_0/", "layer_0/", "layer_0/", "layer_0/w"};
  for (const Tensor& t : set.tensors())
    if (t.name.rfind(begins[format], 0) == 0) return true;
  return false;
}

void import_into(const Network& network, const TensorSet& set) {
  const Geometry geometry(network.descriptor, network.cell);
  for (int format = RECUR_WEIGHTS_PYTORCH; format <= RECUR_WEIGHTS_ONEDNN; ++format) {
    const auto which = static_cast<recur_weights_format>(format);
    if (!mentions(which, set)) continue;
    std::vector<float> parameters(geometry.parameter_elements(), -7.0f), again = parameters;
    const std::vector<float> untouched = parameters;
    if (!succeeds([&] { import_weights(which, network.descriptor, geometry, set, "", parameters.data()); })) {
      require(same_bits(parameters, untouched), "a refused import writes nothing");
      continue;
    }
    TensorSet exported;
    export_weights(which, network.descriptor, geometry, parameters.data(), "", exported);
    import_weights(which, network.descriptor, geometry, exported, "", again.data());
    require(same_bits(parameters, again), "what was imported goes out and in again");
  }
}

void read(const std::string& bytes) {
  TensorSet set;
  if (!succeeds([&] { set = parse_safetensors(bytes.data(), bytes.size(), "file"); })) return;
  std::string written;
  const bool writable = succeeds([&] {
    written = safetensors_header(set);
    for (const Tensor& t : set.tensors())
      if (!t.values.empty())
        written.append(reinterpret_cast<const char*>(t.values.data()), t.values.size() * sizeof(float));
  });
  if (writable) {
    const TensorSet again = parse_safetensors(written.data(), written.size(), "file");
    require(again.attributes == set.attributes && again.tensors().size() == set.tensors().size(),
            "as many are read again");
    for (const Tensor& t : set.tensors()) {
      const Tensor* other = again.find(t.name);
      require(other != nullptr && other->shape == t.shape && same_bits(other->values, t.values),
              "a tensor is read again");
    }
  }
  static const std::vector<Network> all = networks();
  for (const Network& network : all) import_into(network, set);
}

}  // namespace
}  // namespace recur

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  recur::read(bytes);
  // And with a header's length that may be right: chance alone seldom finds one.
  if (size < 8) return 0;
  uint64_t length = 0;
  for (int k = 8; k-- > 0;) length = length << 8 | data[k];
  if (length <= size - 8) return 0;
  length = length % (size - 7);
  for (int k = 0; k < 8; ++k) bytes[static_cast<size_t>(k)] = static_cast<char>(length >> 8 * k & 0xFF);
  recur::read(bytes);
  return 0;
}
