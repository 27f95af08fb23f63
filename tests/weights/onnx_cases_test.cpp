// ONNX's own cases of its recurrent operators through the importer. Their weights are equal in most, so that no order
// of gates shows: frameworks_test.cpp has those that tell them apart.
#include "tests/reference/onnx_cases.hpp"

#include "tests/weights/imported_run.hpp"

namespace recur::test {
namespace {

TEST(OnnxCases, ThroughTheImporter) {
  int cases = 0;
  for (const auto& one : reference::published_onnx_cases()) {
    const std::string name = one.at("name");
    SCOPED_TRACE(name);
    const reference::OnnxCase given = reference::read_onnx_case(one);  // of which the weights are not used
    Weights set;
    for (const char* tensor : {"W", "R", "B", "P"}) {
      const Vector values = reference::values_of(one, tensor);
      if (values.empty()) continue;
      set.add(std::string("layer_0/") + tensor, one.at("tensors").at(tensor).at("dims"),
              std::vector<float>(values.begin(), values.end()).data());
    }
    set.set_attribute("onnx.hidden_size", std::to_string(int(one.at("hidden_size"))));
    set.set_attribute("onnx.layout", std::to_string(int(one.at("layout"))));
    NetworkCase network;
    network.text = name;
    network.shape = given.shape;
    network.ragged = !given.inputs.lengths.empty();
    network.batch_first = given.batch_first;
    ImportedRun(network, set, RECUR_WEIGHTS_ONNX, "", given.inputs, {given.y, given.hT, {}}).expect_equal();
    ++cases;
  }
  EXPECT_EQ(cases, 12);
}

}  // namespace
}  // namespace recur::test
