#include "bench/cudnn/parameters.hpp"

#include <algorithm>

namespace recur::cudnn {
namespace {

// Throws unless the tensor is rows x columns elements that lie one after the other; sizes of 1 are no matter.
void expect_matrix(const TensorDescriptor& tensor, int64_t rows, int64_t columns, const std::string& what) {
  constexpr int most = 8;
  int dimensions = 0, sizes[most] = {}, strides[most] = {};
  cudnnDataType_t type;
  check(cudnnGetTensorNdDescriptor(tensor.get(), most, &type, &dimensions, sizes, strides),
        "cudnnGetTensorNdDescriptor");
  std::vector<int64_t> found, expected;
  std::string text;
  bool contiguous = true;
  int64_t count = 1;
  for (int k = dimensions - 1; k >= 0; --k) {
    text = std::to_string(sizes[k]) + " by " + std::to_string(strides[k]) + (text.empty() ? "" : ", ") + text;
    if (sizes[k] == 1) continue;
    contiguous = contiguous && strides[k] == count;
    count *= sizes[k];
    found.insert(found.begin(), sizes[k]);
  }
  for (const int64_t size : {rows, columns})
    if (size != 1) expected.push_back(size);
  if (!contiguous || found != expected)
    throw std::runtime_error("cuDNN says that " + what + " is [" + text + "], not [" + std::to_string(rows) + ", " +
                             std::to_string(columns) + "] in one piece");
}

}  // namespace

int linear_layers(const recur_layer_descriptor& layer) {
  return static_cast<int>(2 * gates(layer.cell)) + (layer.projection_size > 0 ? 1 : 0);
}

LinearLayer linear_layer(const recur_layer_descriptor& layer, int64_t layer_index, int id) {
  const int64_t G = gates(layer.cell), H = layer.hidden_size, P = layer.projection_size, R = P > 0 ? P : H;
  if (id < 0 || id >= linear_layers(layer))
    throw std::invalid_argument("there is no linear layer " + std::to_string(id));
  if (id == 2 * G) return {RECUR_PARAMETER_W_HR, RECUR_PARAMETER_B_HH, false, 0, P, H};
  const int64_t inputs = layer_index == 0 ? layer.input_size : std::max<int64_t>(layer.directions, 1) * R;
  if (id < G) return {RECUR_PARAMETER_W_IH, RECUR_PARAMETER_B_IH, true, id, H, inputs};
  return {RECUR_PARAMETER_W_HH, RECUR_PARAMETER_B_HH, true, id - G, H, R};
}

std::vector<Piece> find_parameters(cudnnHandle_t handle, const recur_layer_descriptor& layer, cudnnRNNDescriptor_t rnn,
                                   size_t weight_bytes, const void* weights) {
  const int64_t layers = std::max<int64_t>(layer.layers, 1), directions = std::max<int64_t>(layer.directions, 1);
  const TensorDescriptor matrix = make_tensor_descriptor(), bias = make_tensor_descriptor();
  std::vector<Piece> pieces;
  for (int64_t pass = 0; pass < layers * directions; ++pass) {
    for (int id = 0; id < linear_layers(layer); ++id) {
      const LinearLayer linear = linear_layer(layer, pass / directions, id);
      const std::string what = "matrix " + std::to_string(id) + " of pseudo-layer " + std::to_string(pass);
      void *matrix_at = nullptr, *bias_at = nullptr;
      check(cudnnGetRNNWeightParams(handle, rnn, static_cast<int32_t>(pass), weight_bytes, weights, id, matrix.get(),
                                    &matrix_at, bias.get(), &bias_at),
            "cudnnGetRNNWeightParams");
      const auto add = [&](recur_parameter parameter, int64_t rows, int64_t columns, const void* at) {
        if (at == nullptr) throw std::runtime_error("cuDNN says that there is no " + what);
        const auto offset = static_cast<size_t>(static_cast<const char*>(at) - static_cast<const char*>(weights));
        pieces.push_back(
            {parameter, pass / directions, pass % directions, linear.gate * rows * columns, rows * columns, offset});
      };
      expect_matrix(matrix, linear.rows, linear.columns, what);
      add(linear.matrix, linear.rows, linear.columns, matrix_at);
      if (!linear.has_bias) continue;
      expect_matrix(bias, linear.rows, 1, "the bias of " + what);
      add(linear.bias, linear.rows, 1, bias_at);
    }
  }
  return pieces;
}

}  // namespace recur::cudnn
