// cuDNN's side with a stand-in for cuDNN: what we hand over, where our parameters go, every layout and what comes back.
// Of cuDNN itself this says nothing.
#include "bench/validate/cudnn_reference.hpp"

#include <gtest/gtest.h>

#include "bench/cudnn/stand_in.hpp"
#include "bench/validate/comparison.hpp"
#include "tests/support/network_run.hpp"

namespace recur::validate {
namespace {

using cudnn::Algorithm;
using cudnn::Layout;

std::shared_ptr<const cudnn::Handle> handle() {
  static const auto one = std::make_shared<const cudnn::Handle>();
  return one;
}

Results expected(const NetworkProblem& p) {
  const References references = make_references();
  return references.all.front()->run(p);  // fp64
}

TEST(CudnnReference, EveryCaseThatItCanDoInBothLayouts) {
  size_t compared = 0, refused = 0;
  for (const test::NetworkCase& network : test::read_network_cases(RECUR_TEST_DATA "/network_cases.txt")) {
    const NetworkProblem p(network);
    for (const Layout layout : {Layout::padded, Layout::packed}) {
      SCOPED_TRACE(network.text + (layout == Layout::packed ? ", packed" : ""));
      try {
        const Results results = make_cudnn_reference(handle(), Algorithm::standard, layout)->run(p);
        const Comparison c = compare(p, results, expected(p));
        EXPECT_TRUE(c.within()) << c.worst().tensor << " " << c.worst().where << ": " << c.worst().worst.text();
        ++compared;
      } catch (const Refused& reason) {
        const std::string text = reason.what();
        const bool about_dropout = network.dropout && text.find("dropout") != std::string::npos;
        const bool about_batch =
            network.batch_first && layout == Layout::packed && text.find("batch first") != std::string::npos;
        const std::string lacks = cudnn::what_cudnn_lacks(network.descriptor());
        EXPECT_TRUE(about_dropout || about_batch || (!lacks.empty() && text.find(lacks) != std::string::npos)) << text;
        ++refused;
      }
      EXPECT_EQ(cudnn::stand_in::complaints(), std::vector<std::string>());
    }
  }
  EXPECT_GT(compared, 60u);
  EXPECT_GT(refused, 40u);
}

TEST(CudnnReference, GatesInAnotherOrderAreBeyond) {
  for (const char* text : {"lstm 4 3 5 6", "gru 4 3 5 6 ragged"}) {
    const NetworkProblem p(test::read_network_case(text));
    cudnn::stand_in::exchange_gates(true);
    const Results results = make_cudnn_reference(handle(), Algorithm::standard, Layout::padded)->run(p);
    cudnn::stand_in::exchange_gates(false);
    EXPECT_GT(compare(p, results, expected(p)).worst().worst.tolerances, 100) << text;
  }
}

// With a row of length 0 left out, rows out of order and a longest row that is shorter than T.
TEST(CudnnReference, PackedRowsAreShorterThanTheCase) {
  NetworkProblem p(test::read_network_case("lstm 6 4 3 5 L2 D2 ragged"));
  p.inputs.lengths = {2, 0, 4, 3};
  p.compute();
  for (const Layout layout : {Layout::padded, Layout::packed}) {
    const Comparison c = compare(p, make_cudnn_reference(handle(), Algorithm::standard, layout)->run(p), expected(p));
    EXPECT_TRUE(c.within()) << c.worst().tensor << ": " << c.worst().worst.text();
  }
  p.inputs.lengths = {0, 0, 0, 0};
  p.compute();
  EXPECT_THROW(make_cudnn_reference(handle(), Algorithm::standard, Layout::packed)->run(p), Refused);
}

TEST(CudnnReference, AnAlgorithmThatRefusesIsToldInItsWords) {
  const auto refusal = [](const char* text, Algorithm algorithm) -> std::string {
    const NetworkProblem p(test::read_network_case(text));
    try {
      make_cudnn_reference(handle(), algorithm, Layout::padded)->run(p);
    } catch (const Refused& reason) {
      return reason.what();
    }
    return "";
  };
  EXPECT_EQ(refusal("lstm 3 2 3 9", Algorithm::small_h), "cudnnRNNForward: CUDNN_STATUS_NOT_SUPPORTED: hiddenSize > 8");
  EXPECT_EQ(refusal("lstm 3 2 3 9 P4", Algorithm::persist_static),
            "cudnnSetRNNDescriptor_v8: CUDNN_STATUS_NOT_SUPPORTED: projSize");
  for (Algorithm algorithm : cudnn::algorithms) EXPECT_EQ(refusal("gru 3 2 3 8", algorithm), "");
  EXPECT_EQ(make_cudnn_reference(handle(), Algorithm::small_h, Layout::packed)->name(), "cudnn-small-h-packed");
}

// The network itself: gradients add up where asked to, inference needs no reserve, dropout's states are made.
TEST(CudnnNetwork, AccumulatesAndInfers) {
  const NetworkProblem p(test::read_network_case("gru 4 3 5 6"));
  const test::LayerPlan plan = test::make_plan(p.c.descriptor());
  const Stream stream;
  const auto upload = [&](const Vector& values) {
    DeviceBuffer<unsigned char> buffer(values.size() * 4);
    buffer.from_host(test::packed(RECUR_TYPE_FLOAT32, values), stream);
    return buffer;
  };
  cudnn::Network network(*handle(), p.c.descriptor(), Algorithm::persist_dynamic);
  EXPECT_GE(network.workspace_bytes(), 96u);
  EXPECT_EQ(network.reserve_bytes(), 32u);
  const size_t count = test::sizes_of(plan).parameter_elements;
  network.set_parameters(plan.get(), upload(Vector(count, 0.1)).data(), stream);
  const auto x = upload(p.inputs.x), dy = upload(p.dy);
  const DeviceBuffer<unsigned char> y(dy.size()), dx(x.size()), gradients(count * 4);
  const cudnn::Forward forward{x.data(), nullptr, nullptr, y.data(), nullptr, nullptr};
  const cudnn::Backward backward{x.data(), nullptr, nullptr,   y.data(), dy.data(),
                                 nullptr,  nullptr, dx.data(), nullptr,  nullptr};
  const auto sum = [&] {
    network.get_gradients(plan.get(), gradients.data(), stream);
    return test::unpacked(RECUR_TYPE_FLOAT32, gradients.to_host(stream));
  };
  network.forward(false, forward, stream);
  const auto inferred = y.to_host(stream);
  EXPECT_THROW(network.backward(backward, false, stream), cudnn::Error) << "inference keeps nothing";
  EXPECT_EQ(cudnn::stand_in::complaints().size(), 1u);
  network.forward(true, forward, stream);
  EXPECT_EQ(y.to_host(stream), inferred);
  network.backward(backward, false, stream);
  const Vector once = sum();
  network.backward_weights(backward, true, stream);
  const Vector twice = sum();
  network.backward_weights(backward, false, stream);
  EXPECT_EQ(sum(), once);
  EXPECT_GT(test::root_mean_square(once), 0);
  for (size_t k = 0; k < once.size(); ++k) EXPECT_EQ(twice[k], 2 * once[k]) << k;

  recur_layer_descriptor dropping = p.c.descriptor();
  dropping.layers = 2, dropping.dropout = 0.5f;
  EXPECT_NO_THROW(cudnn::Network(*handle(), dropping, Algorithm::standard));
  EXPECT_EQ(cudnn::stand_in::complaints(), std::vector<std::string>());
}

}  // namespace
}  // namespace recur::validate
