// A layer's calls, recorded into a CUDA graph and replayed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <string>
#include <vector>

#include "recur/layer.hpp"
#include "tests/support/captured_call.hpp"

namespace recur::test {
namespace {

constexpr recur_status kInvalid = RECUR_INVALID_ARGUMENT, kTooSmall = RECUR_BUFFER_TOO_SMALL;
float host_memory[4];  // no call may be given it

struct LayerShape {
  int64_t T, N, I, H;
  bool states;
  size_t skip;  // floats that every buffer is off an aligned address
};

std::string name(const LayerShape& s) {
  return "T" + std::to_string(s.T) + "N" + std::to_string(s.N) + "I" + std::to_string(s.I) + "H" +
         std::to_string(s.H);
}
void PrintTo(const LayerShape& s, std::ostream* out) { *out << name(s); }

// Odd sizes off alignment, whole vectors, one step without states (whose dW_hh is a memset), several chunks.
const LayerShape kLayerShapes[] = {
    {5, 3, 7, 13, true, 1}, {4, 8, 16, 32, true, 0}, {1, 2, 3, 4, false, 0}, {3, 17, 19, 97, false, 1}};

class LayerCapture : public testing::TestWithParam<LayerShape> {
 protected:
  LayerCapture() {
    if (!p.states) h0 = c0 = dhT = dcT = nullptr;
  }
  static recur_layer_descriptor descriptor() {
    recur_layer_descriptor d = {};
    d.cell = RECUR_CELL_LSTM;
    d.type = RECUR_TYPE_FLOAT32;
    d.steps = GetParam().T;
    d.batch = GetParam().N;
    d.input_size = GetParam().I;
    d.hidden_size = GetParam().H;
    return d;
  }
  LayerForward forward_args(bool training) {
    LayerForward a = {};
    a.parameters = parameters;
    a.x = x;
    a.h0 = h0;
    a.c0 = c0;
    a.y = y;
    a.hT = hT;
    a.cT = cT;
    a.reserve = training ? reserve : nullptr;
    a.reserve_size = training ? sizes.reserve : 0;
    a.workspace = workspace;
    a.workspace_size = training ? sizes.training_workspace : sizes.inference_workspace;
    return a;
  }

  const LayerShape p = GetParam();
  const size_t state = size_t(p.N * p.H);
  Layer layer{descriptor()};
  recur_layer_sizes sizes = layer.sizes();
  CallBuffers buffers{p.skip};
  float* parameters =
      buffers.floats("parameters", sizes.parameter_elements, 1 / std::sqrt(double(GetParam().H)));
  float* x = buffers.floats("x", size_t(p.T* p.N* p.I));
  float* h0 = buffers.floats("h0", state);
  float* c0 = buffers.floats("c0", state);
  float* y = buffers.floats("y", p.T* state);
  float* hT = buffers.floats("hT", state);
  float* cT = buffers.floats("cT", state);
  float* dy = buffers.floats("dy", p.T* state);
  float* dhT = buffers.floats("dhT", state);
  float* dcT = buffers.floats("dcT", state);
  float* dx = buffers.floats("dx", size_t(p.T* p.N* p.I));
  float* dh0 = buffers.floats("dh0", state);
  float* dc0 = buffers.floats("dc0", state);
  float* dparameters = buffers.floats("dparameters", sizes.parameter_elements);
  void* reserve = buffers.reserve(sizes.reserve);
  void* workspace = buffers.workspace(std::max(std::max(sizes.training_workspace, sizes.inference_workspace),
                                               std::max(sizes.backward_workspace, sizes.step_workspace)));
};
INSTANTIATE_TEST_SUITE_P(Shapes, LayerCapture, testing::ValuesIn(kLayerShapes),
                         [](const auto& info) { return name(info.param); });

TEST_P(LayerCapture, Forward) {
  for (const bool training : {true, false}) {
    SCOPED_TRACE(training ? "training" : "inference");
    CapturedCall<LayerForward> call{
        buffers,
        forward_args(training),
        [&](const LayerForward* a) { return recur_layer_forward(layer.get(), a); },
        {{kInvalid, [](LayerForward& a) { a.x = nullptr; }},
         {kInvalid, [](LayerForward& a) { a.y = host_memory; }},
         {kInvalid, [](LayerForward& a) { a.y = const_cast<void*>(a.x); }},
         {kTooSmall, [](LayerForward& a) { a.workspace_size = 0; }}}};
    if (training) call.refused.push_back({kTooSmall, [](LayerForward& a) { --a.reserve_size; }});
    call.expect_replays_like_direct_calls();
  }
}

TEST_P(LayerCapture, Backward) {
  for (const int accumulate : {0, 1}) {
    SCOPED_TRACE(accumulate ? "accumulate" : "overwrite");
    LayerBackward args = {};
    args.parameters = parameters;
    args.x = x;
    args.h0 = h0;
    args.c0 = c0;
    args.y = y;
    args.dy = dy;
    args.dhT = dhT;
    args.dcT = dcT;
    args.dx = dx;
    args.dh0 = dh0;
    args.dc0 = dc0;
    args.dparameters = dparameters;
    args.accumulate = accumulate;
    args.reserve = reserve;
    args.reserve_size = sizes.reserve;
    args.workspace = workspace;
    args.workspace_size = sizes.backward_workspace;
    CapturedCall<LayerBackward> call{
        buffers,
        args,
        [&](const LayerBackward* a) { return recur_layer_backward(layer.get(), a); },
        {{kInvalid, [](LayerBackward& a) { a.reserve = nullptr; }},
         {kInvalid, [](LayerBackward& a) { a.dx = host_memory; }},
         {kInvalid, [](LayerBackward& a) { a.dparameters = static_cast<float*>(const_cast<void*>(a.parameters)); }},
         {kTooSmall, [](LayerBackward& a) { a.reserve_size = 0; }},
         {kTooSmall, [](LayerBackward& a) { a.workspace_size = 0; }}}};
    call.prepare = [&](cudaStream_t stream) {
      LayerForward forward = forward_args(true);
      forward.stream = stream;
      layer.forward(forward);
    };
    call.expect_replays_like_direct_calls();
  }
}

TEST_P(LayerCapture, Step) {
  LayerStep args = {};
  args.parameters = parameters;
  args.x = x;
  args.h = h0;
  args.c = p.states ? cT : nullptr;  // in place: the next replay goes on from there
  args.h_next = hT;
  args.c_next = cT;
  args.workspace = workspace;
  args.workspace_size = sizes.step_workspace;
  CapturedCall<LayerStep> call{buffers,
                               args,
                               [&](const LayerStep* a) { return recur_layer_step(layer.get(), a); },
                               {{kInvalid, [](LayerStep& a) { a.h_next = nullptr; }},
                                {kInvalid, [](LayerStep& a) { a.c_next = host_memory; }},
                                {kInvalid, [](LayerStep& a) { a.h = a.h_next; }},
                                {kTooSmall, [](LayerStep& a) { a.workspace_size = 0; }}}};
  call.expect_replays_like_direct_calls();
}

}  // namespace
}  // namespace recur::test
