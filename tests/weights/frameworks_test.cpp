// Weights in the layouts of PyTorch, Keras and ONNX, and what PyTorch, Keras and onnxruntime computed with them:
// files made by those libraries and by safetensors' own writer (data/make_vectors.py).
#include "tests/weights/imported_run.hpp"

namespace recur::test {
namespace {

struct File {
  const char* name;
  recur_weights_format format;
  const char* separator;  // between a case's name and its tensors'
  std::vector<std::string> cases;
};

void run_all(const File& file) {
  const Weights set = Weights::read(std::string(RECUR_TEST_WEIGHTS "/data/") + file.name + ".safetensors");
  for (const std::string& name : file.cases) {
    SCOPED_TRACE(name);
    const std::string prefix = name + file.separator;
    const NetworkCase network = read_network_case(set.attribute(prefix + "case"));
    const auto values = [&](const std::string& tensor) { return values_of(set.find(prefix + tensor)); };
    reference::NetworkInputs inputs;
    inputs.x = values("x"), inputs.h0 = values("h0");
    Outputs outputs = {values("y"), values("hT"), {}};
    if (network.shape.has_cells()) inputs.c0 = values("c0"), outputs.cT = values("cT");
    const ImportedRun run(network, set, file.format, prefix, inputs, outputs);
    run.expect_equal();
    run.expect_mistakes_found();
  }
}

TEST(Frameworks, PyTorch) {
  run_all({"pytorch",
           RECUR_WEIGHTS_PYTORCH,
           ".",
           {"rnn_tanh", "rnn_relu", "lstm", "lstm_projected", "gru", "gru_without_bias"}});
}

TEST(Frameworks, Keras) {
  run_all({"keras",
           RECUR_WEIGHTS_KERAS,
           "/",
           {"simple_rnn", "simple_rnn_relu", "lstm", "lstm_without_bias", "gru_reset_after", "gru_reset_before",
            "gru_one_way"}});
}

TEST(Frameworks, OnnxRuntime) {
  run_all({"onnx",
           RECUR_WEIGHTS_ONNX,
           "/",
           {"rnn_tanh", "rnn_relu", "lstm", "lstm_peepholes", "lstm_without_bias", "gru_linear_before_reset",
            "gru_default"}});
}

}  // namespace
}  // namespace recur::test
