// Every bad argument of a layer's execute calls: the status, a text that names the argument, its value and the
// limit, nothing launched and no byte of the caller's buffers changed; and the same call, mended, succeeds.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "recur/layer.h"
#include "tests/support/guarded_buffer.hpp"

namespace {

using recur::test::GuardedBuffer;

constexpr int64_t T = 3, N = 2, I = 5, H = 4;
constexpr size_t kState = N * H;

std::vector<float> pattern(size_t count) {
  std::vector<float> values(count);
  for (size_t k = 0; k < count; ++k) values[k] = 0.01f * static_cast<float>(k % 31) - 0.15f;
  return values;
}

// A plan, and every buffer that its calls name, filled with numbers.
struct World {
  recur_layer_plan* plan = nullptr;
  recur_layer_sizes sizes = {};
  std::vector<GuardedBuffer<float>> buffers;
  float *parameters, *x, *h0, *c0, *y, *hT, *cT, *dy, *dhT, *dcT, *dx, *dh0, *dc0, *dparameters, *spare;
  float *reserve, *workspace;
  std::vector<float> host = pattern(4096);
  recur_layer_forward_args forward = {};
  recur_layer_backward_args backward = {};
  recur_layer_step_args step = {};

  World() {
    recur_layer_descriptor d = {};
    d.cell = RECUR_CELL_LSTM;
    d.type = RECUR_TYPE_FLOAT32;
    d.steps = T;
    d.batch = N;
    d.input_size = I;
    d.hidden_size = H;
    if (recur_layer_create(&plan, &d) != RECUR_SUCCESS || recur_layer_get_sizes(plan, &sizes) != RECUR_SUCCESS)
      throw std::runtime_error(recur_last_error());
    const size_t workspace_bytes = std::max(
        {sizes.training_workspace, sizes.inference_workspace, sizes.backward_workspace, sizes.step_workspace});
    parameters = add(sizes.parameter_elements);
    x = add(T * N * I);
    h0 = add(kState);
    c0 = add(kState);
    y = add(T * kState);
    hT = add(kState);
    cT = add(kState);
    dy = add(T * kState);
    dhT = add(kState);
    dcT = add(kState);
    dx = add(T * N * I);
    dh0 = add(kState);
    dc0 = add(kState);
    dparameters = add(sizes.parameter_elements);
    spare = add(4 * T * kState);
    reserve = add(sizes.reserve / sizeof(float) + 64);
    workspace = add(workspace_bytes / sizeof(float) + 64);

    forward = {nullptr, parameters,    x,         h0,              c0,      y,       hT, cT,
               reserve, sizes.reserve, workspace, workspace_bytes, nullptr, nullptr, 0,  0};
    backward = {nullptr, parameters,  x, h0,      c0,            y,         dy,              dhT,     dcT,     dx, dh0,
                dc0,     dparameters, 0, reserve, sizes.reserve, workspace, workspace_bytes, nullptr, nullptr, 0,  0};
    step = {nullptr, parameters, x, h0, c0, hT, cT, workspace, workspace_bytes};
  }
  ~World() { recur_layer_destroy(plan); }

  float* add(size_t count) {
    buffers.emplace_back(pattern(count));
    return buffers.back().get();
  }
  std::vector<std::vector<float>> contents() const {
    std::vector<std::vector<float>> all;
    for (const GuardedBuffer<float>& buffer : buffers) all.push_back(buffer.download());
    return all;
  }
  recur_status run_forward() { return recur_layer_forward(plan, &forward); }
  recur_status run_backward() { return recur_layer_backward(plan, &backward); }
  recur_status run_step() { return recur_layer_step(plan, &step); }
};

// One byte further: a float that begins between floats.
template <class Pointer>
void nudge(Pointer& pointer) {
  pointer = reinterpret_cast<Pointer>(reinterpret_cast<uintptr_t>(pointer) + 1);
}

struct Case {
  const char* name;
  std::function<void(World&)> spoil;
  recur_status (World::*run)();
  recur_status status;
  std::vector<std::string> text;
};

constexpr recur_status kInvalid = RECUR_INVALID_ARGUMENT, kSmall = RECUR_BUFFER_TOO_SMALL;

std::vector<Case> cases() {
  std::vector<Case> all;
  auto forward = [&](const char* name, std::function<void(World&)> spoil, recur_status status,
                     std::vector<std::string> text) {
    all.push_back({name, std::move(spoil), &World::run_forward, status, std::move(text)});
  };
  auto backward = [&](const char* name, std::function<void(World&)> spoil, recur_status status,
                      std::vector<std::string> text) {
    all.push_back({name, std::move(spoil), &World::run_backward, status, std::move(text)});
  };
  auto step = [&](const char* name, std::function<void(World&)> spoil, recur_status status,
                  std::vector<std::string> text) {
    all.push_back({name, std::move(spoil), &World::run_step, status, std::move(text)});
  };

  forward("forward_parameters_null", [](World& w) { w.forward.parameters = nullptr; }, kInvalid,
          {"parameters", "NULL"});
  forward("forward_x_null", [](World& w) { w.forward.x = nullptr; }, kInvalid, {"x is NULL"});
  forward("forward_y_null", [](World& w) { w.forward.y = nullptr; }, kInvalid, {"y is NULL"});
  forward("forward_workspace_null", [](World& w) { w.forward.reserve = nullptr, w.forward.workspace = nullptr; },
          kInvalid, {"workspace", "NULL"});
  forward("forward_x_misaligned", [](World& w) { nudge(w.forward.x); }, kInvalid, {"x is 0x", "4 bytes"});
  forward("forward_parameters_misaligned", [](World& w) { nudge(w.forward.parameters); }, kInvalid,
          {"parameters is 0x", "4 bytes"});
  forward("forward_h0_misaligned", [](World& w) { nudge(w.forward.h0); }, kInvalid, {"h0 is 0x", "4 bytes"});
  forward("forward_y_misaligned", [](World& w) { nudge(w.forward.y); }, kInvalid, {"y is 0x", "4 bytes"});
  forward("forward_cT_misaligned", [](World& w) { nudge(w.forward.cT); }, kInvalid, {"cT is 0x", "4 bytes"});
  forward("forward_reserve_misaligned",
          [](World& w) { w.forward.reserve = w.reserve + 1; }, kInvalid, {"reserve is 0x", "256 bytes"});
  forward("forward_workspace_misaligned",
          [](World& w) { w.forward.reserve = nullptr, w.forward.workspace = w.workspace + 1; }, kInvalid,
          {"workspace is 0x", "256 bytes"});
  forward("forward_x_on_host", [](World& w) { w.forward.x = w.host.data(); }, kInvalid, {"x is 0x", "device memory"});
  forward("forward_c0_on_host", [](World& w) { w.forward.c0 = w.host.data(); }, kInvalid,
          {"c0 is 0x", "device memory"});
  forward("forward_y_on_host", [](World& w) { w.forward.y = w.host.data(); }, kInvalid, {"y is 0x", "device memory"});
  forward("forward_reserve_small", [](World& w) { w.forward.reserve_size = w.sizes.reserve - 1; }, kSmall,
          {"reserve_size is", "must be at least"});
  forward("forward_workspace_small",
          [](World& w) { w.forward.reserve = nullptr, w.forward.workspace_size = w.sizes.inference_workspace - 1; },
          kSmall, {"workspace_size is", "must be at least"});
  forward("forward_workspace_none",
          [](World& w) { w.forward.reserve = nullptr, w.forward.workspace_size = 0; }, kSmall, {"workspace_size is 0"});
  forward("forward_y_is_x", [](World& w) { w.forward.y = w.x; }, kInvalid, {"y", "overlaps", "x"});
  forward("forward_y_over_parameters", [](World& w) { w.forward.y = w.parameters + 7; }, kInvalid,
          {"y", "overlaps", "parameters"});
  forward("forward_y_is_h0", [](World& w) { w.forward.h0 = w.y + kState; }, kInvalid, {"y", "overlaps", "h0"});
  forward("forward_hT_in_y", [](World& w) { w.forward.hT = w.y + 2 * kState; }, kInvalid, {"overlaps", "hT", "y"});
  forward("forward_hT_is_c0", [](World& w) { w.forward.hT = w.c0; }, kInvalid, {"hT", "overlaps", "c0"});
  forward("forward_hT_is_cT", [](World& w) { w.forward.hT = w.cT; }, kInvalid, {"overlaps", "hT", "cT"});
  forward("forward_hT_across_h0",
          [](World& w) { w.forward.h0 = w.spare, w.forward.hT = w.spare + 1; }, kInvalid, {"hT", "overlaps", "h0"});
  forward("forward_reserve_is_workspace", [](World& w) { w.forward.reserve = w.workspace; }, kInvalid,
          {"overlaps", "reserve"});
  forward("forward_y_in_reserve", [](World& w) { w.forward.y = w.reserve + 3; }, kInvalid, {"overlaps", "reserve"});

  backward("backward_parameters_null", [](World& w) { w.backward.parameters = nullptr; }, kInvalid,
           {"parameters is NULL"});
  backward("backward_x_null", [](World& w) { w.backward.x = nullptr; }, kInvalid, {"x is NULL"});
  backward("backward_y_null", [](World& w) { w.backward.y = nullptr; }, kInvalid, {"y is NULL"});
  backward("backward_reserve_null", [](World& w) { w.backward.reserve = nullptr; }, kInvalid, {"reserve is NULL"});
  backward("backward_reserve_small", [](World& w) { w.backward.reserve_size = w.sizes.reserve - 1; }, kSmall,
           {"reserve_size is", "must be at least"});
  backward("backward_workspace_null", [](World& w) { w.backward.workspace = nullptr; }, kInvalid,
           {"workspace is NULL"});
  backward("backward_workspace_small", [](World& w) { w.backward.workspace_size = w.sizes.backward_workspace - 1; },
           kSmall, {"workspace_size is", "must be at least"});
  backward("backward_workspace_misaligned", [](World& w) { w.backward.workspace = w.workspace + 4; }, kInvalid,
           {"workspace is 0x", "256 bytes"});
  backward("backward_dy_misaligned", [](World& w) { nudge(w.backward.dy); }, kInvalid, {"dy is 0x", "4 bytes"});
  backward("backward_dc0_misaligned", [](World& w) { nudge(w.backward.dc0); }, kInvalid, {"dc0 is 0x", "4 bytes"});
  backward("backward_dy_on_host", [](World& w) { w.backward.dy = w.host.data(); }, kInvalid,
           {"dy is 0x", "device memory"});
  backward("backward_dcT_on_host", [](World& w) { w.backward.dcT = w.host.data(); }, kInvalid,
           {"dcT is 0x", "device memory"});
  backward("backward_dparameters_on_host", [](World& w) { w.backward.dparameters = w.host.data(); }, kInvalid,
           {"dparameters is 0x", "device memory"});
  backward("backward_dx_is_x", [](World& w) { w.backward.dx = w.x; }, kInvalid, {"dx", "overlaps", "x"});
  backward("backward_dparameters_is_parameters", [](World& w) { w.backward.dparameters = w.parameters; }, kInvalid,
           {"dparameters", "overlaps", "parameters"});
  backward("backward_dh0_is_dcT", [](World& w) { w.backward.dh0 = w.dcT; }, kInvalid, {"dh0", "overlaps", "dcT"});
  backward("backward_dh0_is_dc0", [](World& w) { w.backward.dh0 = w.dc0; }, kInvalid, {"overlaps", "dh0", "dc0"});
  backward("backward_dh0_across_dhT",
           [](World& w) { w.backward.dhT = w.spare, w.backward.dh0 = w.spare + 1; }, kInvalid,
           {"dh0", "overlaps", "dhT"});
  backward("backward_dx_in_workspace", [](World& w) { w.backward.dx = w.workspace + 5; }, kInvalid,
           {"overlaps", "workspace"});
  backward("backward_workspace_is_reserve",
           [](World& w) { w.backward.reserve = w.workspace; }, kInvalid, {"overlaps", "workspace", "reserve"});

  step("step_x_null", [](World& w) { w.step.x = nullptr; }, kInvalid, {"x is NULL"});
  step("step_parameters_null", [](World& w) { w.step.parameters = nullptr; }, kInvalid, {"parameters is NULL"});
  step("step_h_next_null", [](World& w) { w.step.h_next = nullptr; }, kInvalid, {"h_next is NULL"});
  step("step_c_next_null", [](World& w) { w.step.c_next = nullptr; }, kInvalid, {"c_next is NULL"});
  step("step_h_misaligned", [](World& w) { nudge(w.step.h); }, kInvalid, {"h is 0x", "4 bytes"});
  step("step_x_on_host", [](World& w) { w.step.x = w.host.data(); }, kInvalid, {"x is 0x", "device memory"});
  step("step_workspace_null", [](World& w) { w.step.workspace = nullptr; }, kInvalid, {"workspace is NULL"});
  step("step_workspace_small", [](World& w) { w.step.workspace_size = w.sizes.step_workspace - 1; }, kSmall,
       {"workspace_size is", "must be at least"});
  step("step_h_next_is_h", [](World& w) { w.step.h_next = w.h0; }, kInvalid, {"h_next", "overlaps", "h"});
  step("step_c_next_is_h_next", [](World& w) { w.step.c_next = w.hT; }, kInvalid, {"overlaps", "h_next", "c_next"});
  return all;
}

class LayerErrors : public testing::TestWithParam<Case> {};

TEST_P(LayerErrors, RefusedBeforeAnythingIsTouched) {
  const Case& c = GetParam();
  World w;
  const recur_layer_forward_args forward = w.forward;
  const recur_layer_backward_args backward = w.backward;
  const recur_layer_step_args step = w.step;
  const std::vector<float> host = w.host;
  const auto before = w.contents();

  c.spoil(w);
  EXPECT_EQ((w.*c.run)(), c.status) << recur_last_error();
  const std::string text = recur_last_error();
  for (const std::string& part : c.text) EXPECT_NE(text.find(part), std::string::npos) << part << " in: " << text;
  EXPECT_EQ(w.contents(), before);
  EXPECT_EQ(w.host, host);

  // The very same call without the fault goes through: nothing is left behind.
  w.forward = forward;
  w.backward = backward;
  w.step = step;
  ASSERT_EQ(w.run_forward(), RECUR_SUCCESS) << recur_last_error();
  ASSERT_EQ((w.*c.run)(), RECUR_SUCCESS) << recur_last_error();
  EXPECT_NE(w.contents(), before);
  for (const auto& buffer : w.buffers) EXPECT_EQ(buffer.damage(), "");
}

INSTANTIATE_TEST_SUITE_P(Arguments, LayerErrors, testing::ValuesIn(cases()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(LayerErrorsOfHandles, NullPlansAndStructs) {
  World w;
  EXPECT_EQ(recur_layer_forward(nullptr, &w.forward), kInvalid);
  EXPECT_NE(std::string(recur_last_error()).find("plan"), std::string::npos);
  EXPECT_EQ(recur_layer_backward(nullptr, &w.backward), kInvalid);
  EXPECT_EQ(recur_layer_step(nullptr, &w.step), kInvalid);
  EXPECT_EQ(recur_layer_forward(w.plan, nullptr), kInvalid);
  EXPECT_NE(std::string(recur_last_error()).find("args"), std::string::npos);
  EXPECT_EQ(recur_layer_backward(w.plan, nullptr), kInvalid);
  EXPECT_EQ(recur_layer_step(w.plan, nullptr), kInvalid);
  recur_layer_sizes sizes;
  recur_layer_choice choice;
  EXPECT_EQ(recur_layer_get_sizes(nullptr, &sizes), kInvalid);
  EXPECT_EQ(recur_layer_get_sizes(w.plan, nullptr), kInvalid);
  EXPECT_EQ(recur_layer_get_choice(nullptr, &choice), kInvalid);
  EXPECT_EQ(recur_layer_get_choice(w.plan, nullptr), kInvalid);
}

TEST(LayerErrorsOfHandles, MemoryThatWasFreed) {
  World w;
  void* freed = nullptr;
  ASSERT_EQ(cudaMalloc(&freed, sizeof(float) * T * N * I), cudaSuccess);
  ASSERT_EQ(cudaFree(freed), cudaSuccess);
  w.forward.x = static_cast<float*>(freed);
  EXPECT_EQ(w.run_forward(), kInvalid);
  EXPECT_NE(std::string(recur_last_error()).find("device memory"), std::string::npos) << recur_last_error();
}

// What a field says is allowed is allowed.
TEST(LayerErrorsOfHandles, StatesInPlaceAreAllowed) {
  World w;
  w.forward.reserve = nullptr;
  w.forward.hT = w.h0;
  w.forward.cT = w.c0;
  EXPECT_EQ(w.run_forward(), RECUR_SUCCESS) << recur_last_error();
  w.forward.reserve = w.reserve;
  w.forward.hT = w.hT;
  w.forward.cT = w.cT;
  ASSERT_EQ(w.run_forward(), RECUR_SUCCESS) << recur_last_error();
  w.backward.dh0 = w.dhT;
  w.backward.dc0 = w.dcT;
  EXPECT_EQ(w.run_backward(), RECUR_SUCCESS) << recur_last_error();
  w.step.c_next = w.c0;
  EXPECT_EQ(w.run_step(), RECUR_SUCCESS) << recur_last_error();
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
}

}  // namespace
