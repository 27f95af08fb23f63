// cuDNN's descriptors for every cell, option, type and algorithm, made and read back without a GPU; what cuDNN lacks
// and what it refuses; our parameters in its matrices.
#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

#include "bench/cudnn/network.hpp"

namespace recur::cudnn {
namespace {

recur_layer_descriptor layer_of(recur_cell cell, recur_type type = RECUR_TYPE_FLOAT32) {
  recur_layer_descriptor layer = {};
  layer.cell = cell, layer.type = type;
  layer.steps = 5, layer.batch = 3, layer.input_size = 7, layer.hidden_size = 11;
  return layer;
}

struct RnnValues {
  cudnnRNNAlgo_t algorithm;
  cudnnRNNMode_t mode;
  cudnnRNNBiasMode_t bias;
  cudnnDirectionMode_t direction;
  cudnnRNNInputMode_t input;
  cudnnDataType_t data, precision;
  cudnnMathType_t math;
  int32_t inputs, hidden, projection, layers;
  cudnnDropoutDescriptor_t dropout;
  uint32_t flags;
};

RnnValues values_of(const RnnDescriptor& rnn) {
  RnnValues v;
  check(
      cudnnGetRNNDescriptor_v8(rnn.get(), &v.algorithm, &v.mode, &v.bias, &v.direction, &v.input, &v.data, &v.precision,
                               &v.math, &v.inputs, &v.hidden, &v.projection, &v.layers, &v.dropout, &v.flags),
      "cudnnGetRNNDescriptor_v8");
  return v;
}

struct DataValues {
  cudnnDataType_t type;
  cudnnRNNDataLayout_t layout;
  int steps, batch, columns;
  std::vector<int> lengths;
  uint32_t fill = 0xFFFFFFFFu;
};

DataValues values_of(const DataDescriptor& data, size_t rows) {
  DataValues v;
  v.lengths.resize(rows);
  check(cudnnGetRNNDataDescriptor(data.get(), &v.type, &v.layout, &v.steps, &v.batch, &v.columns,
                                  static_cast<int>(rows), v.lengths.data(), &v.fill),
        "cudnnGetRNNDataDescriptor");
  return v;
}

std::vector<int> sizes_of(const TensorDescriptor& tensor, std::vector<int>* strides = nullptr) {
  cudnnDataType_t type;
  int dimensions = 0, sizes[8], steps[8];
  check(cudnnGetTensorNdDescriptor(tensor.get(), 8, &type, &dimensions, sizes, steps), "cudnnGetTensorNdDescriptor");
  if (strides) strides->assign(steps, steps + dimensions);
  return {sizes, sizes + dimensions};
}

TEST(CudnnDescriptors, EveryCellTypeAlgorithmAndDirection) {
  const std::pair<recur_cell, cudnnRNNMode_t> cells[] = {{RECUR_CELL_RNN_TANH, CUDNN_RNN_TANH},
                                                         {RECUR_CELL_RNN_RELU, CUDNN_RNN_RELU},
                                                         {RECUR_CELL_LSTM, CUDNN_LSTM},
                                                         {RECUR_CELL_GRU, CUDNN_GRU}};
  struct Type {
    recur_type ours;
    cudnnDataType_t data;
    cudnnMathType_t math;
  };
  const Type types[] = {{RECUR_TYPE_FLOAT32, CUDNN_DATA_FLOAT, CUDNN_FMA_MATH},
                        {RECUR_TYPE_TFLOAT32, CUDNN_DATA_FLOAT, CUDNN_DEFAULT_MATH},
                        {RECUR_TYPE_FLOAT16, CUDNN_DATA_HALF, CUDNN_TENSOR_OP_MATH},
                        {RECUR_TYPE_BFLOAT16, CUDNN_DATA_BFLOAT16, CUDNN_TENSOR_OP_MATH}};
  const cudnnRNNAlgo_t numbers[] = {CUDNN_RNN_ALGO_STANDARD, CUDNN_RNN_ALGO_PERSIST_STATIC,
                                    CUDNN_RNN_ALGO_PERSIST_DYNAMIC, CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H};
  for (const auto& cell : cells) {
    for (const Type& type : types) {
      for (int which = 0; which < 4; ++which) {
        for (int64_t directions : {0, 1, 2}) {
          recur_layer_descriptor layer = layer_of(cell.first, type.ours);
          layer.directions = directions, layer.layers = directions == 0 ? 0 : 3;
          SCOPED_TRACE(std::to_string(cell.first) + " type " + std::to_string(type.ours) + " " +
                       name_of(algorithms[which]) + " D" + std::to_string(directions));
          const Descriptors d = make_descriptors(layer, algorithms[which], {});
          const RnnValues v = values_of(d.rnn);
          EXPECT_EQ(v.algorithm, numbers[which]);
          EXPECT_EQ(v.mode, cell.second);
          EXPECT_EQ(v.bias, CUDNN_RNN_DOUBLE_BIAS);
          EXPECT_EQ(v.direction, directions == 2 ? CUDNN_BIDIRECTIONAL : CUDNN_UNIDIRECTIONAL);
          EXPECT_EQ(v.input, CUDNN_LINEAR_INPUT);
          EXPECT_EQ(v.data, type.data);
          EXPECT_EQ(v.precision, CUDNN_DATA_FLOAT);
          EXPECT_EQ(v.math, type.math);
          EXPECT_EQ(v.inputs, 7);
          EXPECT_EQ(v.hidden, 11);
          EXPECT_EQ(v.projection, 11);
          EXPECT_EQ(v.layers, directions == 0 ? 1 : 3);
          EXPECT_EQ(v.flags, uint32_t{CUDNN_RNN_PADDED_IO_ENABLED});
          const DataValues x = values_of(d.x, 3), y = values_of(d.y, 3);
          EXPECT_EQ(x.type, type.data);
          EXPECT_EQ(x.steps, 5);
          EXPECT_EQ(x.batch, 3);
          EXPECT_EQ(x.columns, 7);
          EXPECT_EQ(x.lengths, (std::vector<int>{5, 5, 5}));
          EXPECT_EQ(y.columns, directions == 2 ? 22 : 11);
          EXPECT_EQ(y.fill & (type.data == CUDNN_DATA_FLOAT ? 0xFFFFFFFFu : 0xFFFFu), 0u);
          std::vector<int> strides;
          const int passes = directions == 0 ? 1 : static_cast<int>(3 * directions);
          EXPECT_EQ(sizes_of(d.h, &strides), (std::vector<int>{passes, 3, 11}));
          EXPECT_EQ(strides, (std::vector<int>{33, 11, 1}));
          EXPECT_EQ(d.c != nullptr, cell.first == RECUR_CELL_LSTM);
        }
      }
    }
  }
}

TEST(CudnnDescriptors, ProjectionAndClip) {
  recur_layer_descriptor layer = layer_of(RECUR_CELL_LSTM);
  layer.projection_size = 4, layer.directions = 2, layer.layers = 2, layer.cell_clip = 0.25f;
  const Descriptors d = make_descriptors(layer, Algorithm::standard, {});
  EXPECT_EQ(values_of(d.rnn).projection, 4);
  EXPECT_EQ(values_of(d.y, 3).columns, 8);
  EXPECT_EQ(sizes_of(d.h), (std::vector<int>{4, 3, 4}));
  EXPECT_EQ(sizes_of(d.c), (std::vector<int>{4, 3, 11}));
  cudnnRNNClipMode_t mode;
  double low = 0, high = 0;
  check(cudnnRNNGetClip_v9(d.rnn.get(), &mode, &low, &high), "cudnnRNNGetClip_v9");
  EXPECT_EQ(mode, CUDNN_RNN_CLIP_MINMAX);
  EXPECT_EQ(low, -0.25);
  EXPECT_EQ(high, 0.25);
  layer.cell_clip = 0;
  check(cudnnRNNGetClip_v9(make_descriptors(layer, Algorithm::standard, {}).rnn.get(), &mode, &low, &high),
        "cudnnRNNGetClip_v9");
  EXPECT_EQ(mode, CUDNN_RNN_CLIP_NONE);
}

TEST(CudnnDescriptors, LayoutsAndLengths) {
  recur_layer_descriptor layer = layer_of(RECUR_CELL_GRU);
  layer.ragged = 1;
  const auto x_of = [&](const Options& options) {
    const Descriptors d = make_descriptors(layer, Algorithm::standard, options);
    EXPECT_EQ(values_of(d.rnn).flags, options.layout == Layout::padded ? uint32_t{CUDNN_RNN_PADDED_IO_ENABLED}
                                                                       : uint32_t{CUDNN_RNN_PADDED_IO_DISABLED});
    return values_of(d.x, 3);
  };
  const DataValues padded = x_of({Layout::padded, {2, 5, 0}}), packed = x_of({Layout::packed, {5, 3, 1}});
  EXPECT_EQ(padded.layout, CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED);
  EXPECT_EQ(padded.lengths, (std::vector<int>{2, 5, 0}));
  EXPECT_EQ(packed.layout, CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED);
  EXPECT_EQ(packed.lengths, (std::vector<int>{5, 3, 1}));
  layer.batch_first = 1;
  EXPECT_EQ(x_of({}).layout, CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED);
}

template <class Thrown, class Call>
std::string thrown_by(Call call) {
  try {
    call();
  } catch (const Thrown& error) {
    return error.what();
  }
  return "";
}

TEST(CudnnDescriptors, RefusesByName) {
  const auto expect = [](const char* words, auto change, Options options = {}) {
    recur_layer_descriptor layer = layer_of(RECUR_CELL_LSTM);
    change(layer);
    const std::string text =
        thrown_by<std::invalid_argument>([&] { make_descriptors(layer, Algorithm::standard, options); });
    EXPECT_NE(text.find(words), std::string::npos) << "'" << text << "' has no '" << words << "'";
  };
  expect("no peepholes", [](auto& layer) { layer.peepholes = 1; });
  expect("no resets", [](auto& layer) { layer.resets = 1; });
  expect("no truncated", [](auto& layer) { layer.truncation_period = 2; });
  expect("no linear activations", [](auto& layer) { layer.activation = RECUR_ACTIVATION_LINEAR; });
  expect("no GRU that resets before", [](auto& layer) { layer.cell = RECUR_CELL_GRU_RESET_BEFORE; });
  expect("no cells of one's own", [](auto& layer) { layer.cell = RECUR_CELL_CUSTOM; });
  expect("2 lengths for 3 rows", [](auto&) {}, {Layout::padded, {5, 1}});
  expect("packs time first only", [](auto& layer) { layer.batch_first = 1; }, {Layout::packed, {}});
  expect("dropout", [](auto& layer) { layer.dropout = 0.5f, layer.layers = 2; });
  expect("hidden_size is 3000000000", [](auto& layer) { layer.hidden_size = 3000000000; });
}

TEST(CudnnDescriptors, WhatCudnnRefusesIsToldInItsWords) {
  const auto expect = [](const char* words, Algorithm algorithm, auto change, Options options = {}) {
    recur_layer_descriptor layer = layer_of(RECUR_CELL_LSTM);
    change(layer);
    const std::string text = thrown_by<Error>([&] { make_descriptors(layer, algorithm, options); });
    EXPECT_NE(text.find(words), std::string::npos) << "'" << text << "' has no '" << words << "'";
  };
  for (Algorithm persistent : {Algorithm::persist_static, Algorithm::persist_dynamic, Algorithm::small_h})
    expect("cudnnSetRNNDescriptor_v8: CUDNN_STATUS_NOT_SUPPORTED", persistent,
           [](auto& layer) { layer.projection_size = 4; });
  expect("cudnnSetRNNDescriptor_v8: CUDNN_STATUS_BAD_PARAM", Algorithm::standard,
         [](auto& layer) { layer.hidden_size = 0; });
  expect("cudnnSetRNNDataDescriptor: CUDNN_STATUS_BAD_PARAM", Algorithm::standard, [](auto&) {},
         {Layout::packed, {3, 5, 1}});
  expect("cudnnSetRNNDataDescriptor: CUDNN_STATUS_BAD_PARAM", Algorithm::standard, [](auto&) {},
         {Layout::packed, {5, 3, 0}});
  expect("cudnnSetRNNDataDescriptor: CUDNN_STATUS_BAD_PARAM", Algorithm::standard, [](auto&) {},
         {Layout::padded, {6, 3, 0}});
}

// Every row of every matrix and bias of ours is in just one of cuDNN's.
TEST(CudnnParameters, EveryRowOnce) {
  for (recur_cell cell : {RECUR_CELL_RNN_TANH, RECUR_CELL_LSTM, RECUR_CELL_GRU}) {
    for (int64_t projection : {0, 4}) {
      if (projection > 0 && cell != RECUR_CELL_LSTM) continue;
      recur_layer_descriptor layer = layer_of(cell);
      layer.projection_size = projection, layer.directions = 2, layer.layers = 2;
      const int64_t G = gates(cell), R = projection > 0 ? projection : 11;
      EXPECT_EQ(linear_layers(layer), 2 * G + (projection > 0));
      for (int64_t index : {0, 1}) {
        std::vector<std::vector<int>> seen(6, std::vector<int>(static_cast<size_t>(G * 11)));
        for (int id = 0; id < linear_layers(layer); ++id) {
          const LinearLayer linear = linear_layer(layer, index, id);
          EXPECT_EQ(linear.columns, linear.matrix == RECUR_PARAMETER_W_IH   ? (index ? 2 * R : 7)
                                    : linear.matrix == RECUR_PARAMETER_W_HH ? R
                                                                            : 11);
          for (int64_t row = 0; row < linear.rows; ++row) {
            ++seen[linear.matrix][static_cast<size_t>(linear.gate * linear.rows + row)];
            if (linear.has_bias) ++seen[linear.bias][static_cast<size_t>(linear.gate * linear.rows + row)];
          }
        }
        for (recur_parameter which :
             {RECUR_PARAMETER_W_IH, RECUR_PARAMETER_W_HH, RECUR_PARAMETER_B_IH, RECUR_PARAMETER_B_HH})
          EXPECT_EQ(seen[which], std::vector<int>(static_cast<size_t>(G * 11), 1)) << which;
        EXPECT_EQ(std::accumulate(seen[RECUR_PARAMETER_W_HR].begin(), seen[RECUR_PARAMETER_W_HR].end(), 0), projection);
      }
      EXPECT_THROW(linear_layer(layer, 0, linear_layers(layer)), std::invalid_argument);
    }
  }
  // The order that both libraries document: the gates of the input first.
  const recur_layer_descriptor gru = layer_of(RECUR_CELL_GRU);
  EXPECT_EQ(linear_layer(gru, 0, 2).matrix, RECUR_PARAMETER_W_IH);
  EXPECT_EQ(linear_layer(gru, 0, 2).gate, 2);
  EXPECT_EQ(linear_layer(gru, 0, 4).matrix, RECUR_PARAMETER_W_HH);
  EXPECT_EQ(linear_layer(gru, 0, 4).gate, 1);
}

TEST(CudnnHandle, SaysWhyThereIsNone) {
  const std::string text = thrown_by<Error>([] { Handle handle; });
  if (text.empty()) GTEST_SKIP() << "there is a GPU, and cudnnCreate works";
  EXPECT_EQ(text.find("cudnnCreate: CUDNN_STATUS_"), 0u) << text;
}

TEST(Cudnn, HasAVersion) { EXPECT_EQ(version().substr(0, 2), "9."); }

}  // namespace
}  // namespace recur::cudnn
