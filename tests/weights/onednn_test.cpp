// Weights as oneDNN takes them (ldigo, ldgo, ldio), given to oneDNN as they are and to the importer.
#include <algorithm>

#include "tests/reference/onednn_primitives.hpp"
#include "tests/weights/imported_run.hpp"

namespace recur::test {
namespace {

class OnednnLayers {
 public:
  OnednnLayers(const reference::NetworkShape& shape, bool bias, Weights& set)
      : s_(shape), engine_(dnnl::engine::kind::cpu, 0) {
    uint64_t seed = 500;
    const int64_t D = s_.directions, G = s_.gates(), H = s_.hidden, R = s_.state_size();
    for (int64_t layer = 0; layer < s_.layers; ++layer) {
      const std::string name = "layer_" + std::to_string(layer) + "/";
      Tensors t;
      t[DNNL_ARG_WEIGHTS_LAYER] = add_random(set, name + "weights_layer", {1, D, s_.layer_inputs(layer), G, H}, ++seed);
      t[DNNL_ARG_WEIGHTS_ITER] = add_random(set, name + "weights_iter", {1, D, R, G, H}, ++seed);
      const int64_t gates = reference::onednn_bias_gates(s_);
      t[DNNL_ARG_BIAS] =
          bias ? add_random(set, name + "bias", {1, D, gates, H}, ++seed) : Vector(size_t(D * gates * H), 0.0);
      if (s_.peepholes) t[DNNL_ARG_WEIGHTS_PEEPHOLE] = add_random(set, name + "weights_peephole", {1, D, 3, H}, ++seed);
      if (s_.projection > 0)
        t[DNNL_ARG_WEIGHTS_PROJECTION] = add_random(set, name + "weights_projection", {1, D, H, R}, ++seed);
      layers_.push_back(t);
    }
  }

  Outputs forward(const reference::NetworkInputs& in) {
    Outputs out;
    out.y = in.x;
    const auto slice = [&](const Vector& states, int64_t layer) {
      const auto size = ptrdiff_t(states.size()) / s_.layers;
      return Vector(states.begin() + layer * size, states.begin() + (layer + 1) * size);
    };
    for (int64_t layer = 0; layer < s_.layers; ++layer) {
      const reference::OnednnDescs d = reference::onednn_descs(s_, layer, 1);
      const reference::OnednnPrimitives primitives = reference::onednn_primitives(s_, d, engine_);
      Tensors& t = layers_[size_t(layer)];
      std::unordered_map<int, dnnl::memory> arguments = {
          {DNNL_ARG_SRC_LAYER, memory(d.x, out.y)},
          {DNNL_ARG_SRC_ITER, memory(d.h, slice(in.h0, layer))},
          {DNNL_ARG_WEIGHTS_LAYER, memory(d.w_ih, t[DNNL_ARG_WEIGHTS_LAYER])},
          {DNNL_ARG_WEIGHTS_ITER, memory(d.w_hh, t[DNNL_ARG_WEIGHTS_ITER])},
          {DNNL_ARG_BIAS, memory(d.bias, t[DNNL_ARG_BIAS])},
          {DNNL_ARG_DST_LAYER, memory(d.y)},
          {DNNL_ARG_DST_ITER, memory(d.h)},
          {DNNL_ARG_WORKSPACE, dnnl::memory(primitives.workspace, engine_)}};
      if (s_.has_cells()) {
        arguments.insert({DNNL_ARG_SRC_ITER_C, memory(d.c, slice(in.c0, layer))});
        arguments.insert({DNNL_ARG_DST_ITER_C, memory(d.c)});
      }
      if (s_.peepholes) arguments.insert({DNNL_ARG_WEIGHTS_PEEPHOLE, memory(d.peephole, t[DNNL_ARG_WEIGHTS_PEEPHOLE])});
      if (s_.projection > 0)
        arguments.insert({DNNL_ARG_WEIGHTS_PROJECTION, memory(d.w_hr, t[DNNL_ARG_WEIGHTS_PROJECTION])});
      dnnl::stream stream(engine_);
      primitives.forward.execute(stream, arguments);
      stream.wait();
      out.y = values(arguments.at(DNNL_ARG_DST_LAYER));
      append(out.hT, values(arguments.at(DNNL_ARG_DST_ITER)));
      if (s_.has_cells()) append(out.cT, values(arguments.at(DNNL_ARG_DST_ITER_C)));
    }
    return out;
  }

 private:
  using Tensors = std::unordered_map<int, Vector>;
  const reference::NetworkShape s_;
  const dnnl::engine engine_;
  std::vector<Tensors> layers_;

  dnnl::memory memory(const dnnl::memory::desc& desc, const Vector& values = {}) const {
    const dnnl::memory made(desc, engine_);
    float* data = static_cast<float*>(made.get_data_handle());
    std::fill(data, data + desc.get_size() / sizeof(float), 0.0f);
    std::copy(values.begin(), values.end(), data);
    return made;
  }
  static Vector values(const dnnl::memory& memory) {
    const float* data = static_cast<const float*>(memory.get_data_handle());
    return {data, data + memory.get_desc().get_size() / sizeof(float)};
  }
  static void append(Vector& to, const Vector& from) { to.insert(to.end(), from.begin(), from.end()); }
};

void run(const std::string& line, bool bias = true) {
  SCOPED_TRACE(line);
  const NetworkCase network = read_network_case(line);
  const reference::NetworkShape& s = network.shape;
  Weights set;
  OnednnLayers onednn(s, bias, set);
  const auto random = [](int64_t size, uint64_t seed) { return widened(random_fill(size_t(size), seed)); };
  reference::NetworkInputs inputs;
  inputs.x = random(s.steps * s.batch * s.inputs, 1);
  inputs.h0 = random(s.layers * s.directions * s.batch * s.state_size(), 2);
  if (s.has_cells()) inputs.c0 = random(s.layers * s.directions * s.batch * s.hidden, 3);
  const ImportedRun imported(network, set, RECUR_WEIGHTS_ONEDNN, "", inputs, onednn.forward(inputs));
  imported.expect_equal();
  imported.expect_mistakes_found();
}

TEST(Onednn, EveryCellByOnednnItself) {
  for (const char* line : {"tanh 4 2 3 5 L2 D2", "relu 4 2 3 5 L2 D2", "lstm 4 2 3 5 L2 D2", "lstm 4 2 3 5 L2 P2 peep",
                           "lstm 4 2 3 5 D2 peep", "gru 4 2 3 5 L2 D2", "gru_before 4 2 3 5 L2 D2"})
    run(line);
  run("gru 4 2 3 5", false);
  run("lstm 4 2 3 5", false);
}

}  // namespace
}  // namespace recur::test
