// Bad arguments of the calls of whole networks, beside those of layer_errors_test.cpp: the status, a text that names
// the argument, nothing launched and no byte of any buffer changed; and the same call, mended, succeeds.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/support/api_counter.hpp"
#include "tests/support/network_problem.hpp"
#include "tests/support/network_run.hpp"

namespace recur::test {
namespace {

constexpr recur_status kInvalid = RECUR_INVALID_ARGUMENT, kSmall = RECUR_BUFFER_TOO_SMALL,
                       kNotSupported = RECUR_NOT_SUPPORTED;

// A network with every buffer that its calls name, and the arguments of the calls.
struct World {
  NetworkProblem problem;
  NetworkRun run;
  GuardedBuffer<unsigned char> spare{Bytes(4096, 1)};
  Bytes host = Bytes(4096, 1);
  recur_layer_forward_args forward = run.forward_args(true), inference = run.forward_args(false);
  recur_layer_backward_args backward = run.backward_args();
  recur_layer_step_args step = run.step_args();

  explicit World(const std::string& network) : problem(read_network_case(network)), run(problem) {}

  int32_t* integers() { return reinterpret_cast<int32_t*>(spare.get()); }
  float* floats() { return reinterpret_cast<float*>(spare.get()); }
  template <class T>
  T* on_host() {
    return reinterpret_cast<T*>(host.data());
  }
  // One slice of h, or of c, further: that of the next layer and direction.
  template <class T>
  T* next_slice(T* state, bool of_c = false) const {
    const reference::NetworkShape& s = problem.c.shape;
    const size_t columns = size_t(of_c ? s.hidden : s.state_size()), one = of_c ? 4 : element_size(problem.c.type);
    return reinterpret_cast<T*>(reinterpret_cast<uintptr_t>(state) + size_t(s.batch) * columns * one);
  }
  std::map<std::string, Bytes> contents() const {
    auto all = run.contents();
    all["spare"] = spare.download();
    return all;
  }
};

template <class Pointer>
void nudge(Pointer& pointer, uintptr_t bytes) {
  pointer = reinterpret_cast<Pointer>(reinterpret_cast<uintptr_t>(pointer) + bytes);
}

enum Call { kForward, kInference, kBackward, kStep };

recur_status make(World& w, Call call) {
  switch (call) {
    case kForward: return recur_layer_forward(w.run.plan(), &w.forward);
    case kInference: return recur_layer_forward(w.run.plan(), &w.inference);
    case kBackward: return recur_layer_backward(w.run.plan(), &w.backward);
    default: return recur_layer_step(w.run.plan(), &w.step);
  }
}

struct Case {
  const char* name;
  const char* network;
  Call call;
  std::function<void(World&)> spoil;
  recur_status status;
  std::vector<std::string> text;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

const char *const kPlain = "lstm 3 2 5 4 L2", *const kBoth = "lstm 3 2 5 4 L2 D2", *const kGru = "gru 3 2 5 4 L2",
                  *const kMasked = "gru 3 2 5 4 L2 D2 ragged reset", *const kTanh = "tanh 3 2 5 4",
                  *const kBefore = "gru_before 3 2 5 4", *const kHalf = "lstm 3 2 5 4 L2 fp16",
                  *const kBfloat = "gru 3 2 5 4 bf16", *const kTruncated = "lstm 3 2 5 4 k1=1,k2=2",
                  *const kProjected = "lstm 3 2 5 4 P3 peep L2";

std::vector<Case> masks() {
  return {
      {"forward_lengths_unasked", kPlain, kForward, [](World& w) { w.forward.lengths = w.integers(); }, kInvalid,
       {"lengths is given", "not ragged"}},
      {"inference_lengths_unasked", kPlain, kInference, [](World& w) { w.inference.lengths = w.integers(); },
       kInvalid, {"lengths is given", "not ragged"}},
      {"backward_lengths_unasked", kPlain, kBackward, [](World& w) { w.backward.lengths = w.integers(); },
       kInvalid, {"lengths is given", "not ragged"}},
      {"forward_lengths_with_resets_alone", "gru 3 2 5 4 reset", kForward,
       [](World& w) { w.forward.lengths = w.integers(); }, kInvalid, {"lengths is given", "not ragged"}},
      {"forward_reset_unasked", kPlain, kForward, [](World& w) { w.forward.reset = w.spare.get(); }, kInvalid,
       {"reset is given", "no resets"}},
      {"inference_reset_unasked", kGru, kInference, [](World& w) { w.inference.reset = w.spare.get(); }, kInvalid,
       {"reset is given", "no resets"}},
      {"backward_reset_unasked", kGru, kBackward, [](World& w) { w.backward.reset = w.spare.get(); }, kInvalid,
       {"reset is given", "no resets"}},
      {"backward_reset_of_a_ragged_plan", "gru 3 2 5 4 ragged", kBackward,
       [](World& w) { w.backward.reset = w.spare.get(); }, kInvalid, {"reset is given", "no resets"}},
      {"forward_lengths_on_host", kMasked, kForward, [](World& w) { w.forward.lengths = w.on_host<int32_t>(); },
       kInvalid, {"lengths is 0x", "device memory"}},
      {"backward_lengths_on_host", kMasked, kBackward, [](World& w) { w.backward.lengths = w.on_host<int32_t>(); },
       kInvalid, {"lengths is 0x", "device memory"}},
      {"forward_lengths_misaligned", kMasked, kForward, [](World& w) { nudge(w.forward.lengths, 2); }, kInvalid,
       {"lengths is 0x", "4 bytes"}},
      {"backward_lengths_misaligned", kMasked, kBackward, [](World& w) { nudge(w.backward.lengths, 1); }, kInvalid,
       {"lengths is 0x", "4 bytes"}},
      {"forward_reset_on_host", kMasked, kForward, [](World& w) { w.forward.reset = w.on_host<uint8_t>(); }, kInvalid,
       {"reset is 0x", "device memory"}},
      {"backward_reset_on_host", kMasked, kBackward, [](World& w) { w.backward.reset = w.on_host<uint8_t>(); },
       kInvalid, {"reset is 0x", "device memory"}},
      {"forward_y_over_lengths", kMasked, kForward, [](World& w) { w.forward.lengths = (int32_t*)w.forward.y + 3; },
       kInvalid, {"y overlaps lengths"}},
      {"forward_hT_over_reset", kMasked, kForward, [](World& w) { w.forward.reset = (uint8_t*)w.forward.hT + 5; },
       kInvalid, {"hT overlaps reset"}},
      {"forward_reserve_over_reset", kMasked, kForward,
       [](World& w) { w.forward.reset = (uint8_t*)w.forward.reserve + 9; }, kInvalid, {"reserve overlaps reset"}},
      {"inference_workspace_over_lengths", kMasked, kInference,
       [](World& w) { w.inference.lengths = (int32_t*)w.inference.workspace + 1; }, kInvalid,
       {"workspace overlaps lengths"}},
      {"backward_dx_over_lengths", kMasked, kBackward, [](World& w) { w.backward.lengths = (int32_t*)w.backward.dx; },
       kInvalid, {"dx overlaps lengths"}},
      {"backward_dh0_over_reset", kMasked, kBackward, [](World& w) { w.backward.reset = (uint8_t*)w.backward.dh0 + 1; },
       kInvalid, {"dh0 overlaps reset"}},
      {"backward_dparameters_over_reset", kMasked, kBackward,
       [](World& w) { w.backward.reset = (uint8_t*)w.backward.dparameters + 17; }, kInvalid,
       {"dparameters overlaps reset"}},
      {"backward_workspace_over_lengths", kMasked, kBackward,
       [](World& w) { w.backward.lengths = (int32_t*)w.backward.workspace + 2; }, kInvalid,
       {"workspace overlaps lengths"}},
  };
}

std::vector<Case> states() {
  return {
      {"forward_c0_of_gru", kGru, kForward, [](World& w) { w.forward.c0 = w.floats(); }, kInvalid,
       {"c0 is given", "no state c"}},
      {"forward_cT_of_gru_before", kBefore, kForward, [](World& w) { w.forward.cT = w.floats(); }, kInvalid,
       {"cT is given", "no state c"}},
      {"inference_c0_of_tanh", kTanh, kInference, [](World& w) { w.inference.c0 = w.floats(); }, kInvalid,
       {"c0 is given", "no state c"}},
      {"inference_cT_of_relu", "relu 3 2 5 4", kInference, [](World& w) { w.inference.cT = w.floats(); }, kInvalid,
       {"cT is given", "no state c"}},
      {"backward_c0_of_gru", kGru, kBackward, [](World& w) { w.backward.c0 = w.floats(); }, kInvalid,
       {"c0 is given", "no state c"}},
      {"backward_dcT_of_tanh", kTanh, kBackward, [](World& w) { w.backward.dcT = w.floats(); }, kInvalid,
       {"dcT is given", "no state c"}},
      {"backward_dc0_of_gru_before", kBefore, kBackward, [](World& w) { w.backward.dc0 = w.floats(); }, kInvalid,
       {"dc0 is given", "no state c"}},
      {"step_c_of_gru", kGru, kStep, [](World& w) { w.step.c = w.floats(); }, kInvalid, {"c is given", "no state c"}},
      {"step_c_next_of_tanh", kTanh, kStep, [](World& w) { w.step.c_next = w.floats(); }, kInvalid,
       {"c_next is given", "no state c"}},
      {"step_c_next_null", kProjected, kStep, [](World& w) { w.step.c_next = nullptr; }, kInvalid, {"c_next is NULL"}},
      {"step_h_next_null", kGru, kStep, [](World& w) { w.step.h_next = nullptr; }, kInvalid, {"h_next is NULL"}},
      {"step_h_next_is_h", kGru, kStep, [](World& w) { w.step.h_next = const_cast<void*>(w.step.h); }, kInvalid,
       {"h_next overlaps h"}},
      {"step_h_next_is_the_next_layer_of_h", kGru, kStep,
       [](World& w) { w.step.h_next = w.next_slice(const_cast<void*>(w.step.h)); }, kInvalid, {"h_next overlaps h"}},
      {"forward_hT_is_the_next_layer_of_h0", kBoth, kForward,
       [](World& w) { w.forward.hT = w.next_slice(const_cast<void*>(w.forward.h0)); }, kInvalid, {"hT overlaps h0"}},
      {"forward_cT_is_the_next_layer_of_c0", kBoth, kForward,
       [](World& w) { w.forward.cT = w.next_slice(const_cast<float*>(w.forward.c0), true); }, kInvalid,
       {"cT overlaps c0"}},
      {"forward_cT_in_the_last_layer_of_hT", kProjected, kForward,
       [](World& w) { w.forward.cT = (float*)w.next_slice(w.forward.hT); }, kInvalid, {"overlaps", "hT", "cT"}},
      {"backward_dh0_is_the_next_layer_of_dhT", kBoth, kBackward,
       [](World& w) { w.backward.dh0 = w.next_slice(const_cast<float*>(w.backward.dhT)); }, kInvalid,
       {"dh0 overlaps dhT"}},
      {"backward_dc0_is_the_next_layer_of_dcT", kProjected, kBackward,
       [](World& w) { w.backward.dc0 = w.next_slice(const_cast<float*>(w.backward.dcT), true); }, kInvalid,
       {"dc0 overlaps dcT"}},
      {"step_of_two_directions", kBoth, kStep, [](World&) {}, kNotSupported, {"directions is 2", "step"}},
      {"backward_dh0_with_truncation", kTruncated, kBackward,
       [](World& w) { w.backward.dh0 = (float*)w.run.get("dh0").get(); }, kInvalid, {"dh0 is given", "truncation"}},
      {"backward_dc0_with_truncation", kTruncated, kBackward,
       [](World& w) { w.backward.dc0 = (float*)w.run.get("dc0").get(); }, kInvalid, {"dc0 is given", "truncation"}},
  };
}

std::vector<Case> types_and_sizes() {
  return {
      {"half_x_misaligned", kHalf, kForward, [](World& w) { nudge(w.forward.x, 1); }, kInvalid, {"x is 0x", "2 bytes"}},
      {"half_parameters_misaligned", kHalf, kForward, [](World& w) { nudge(w.forward.parameters, 1); }, kInvalid,
       {"parameters is 0x", "2 bytes"}},
      {"half_h0_misaligned", kHalf, kInference, [](World& w) { nudge(w.inference.h0, 3); }, kInvalid,
       {"h0 is 0x", "2 bytes"}},
      {"half_y_misaligned", kHalf, kForward, [](World& w) { nudge(w.forward.y, 1); }, kInvalid, {"y is 0x", "2 bytes"}},
      {"half_hT_misaligned", kHalf, kForward, [](World& w) { nudge(w.forward.hT, 1); }, kInvalid,
       {"hT is 0x", "2 bytes"}},
      {"half_c0_is_float", kHalf, kForward, [](World& w) { nudge(w.forward.c0, 2); }, kInvalid,
       {"c0 is 0x", "4 bytes"}},
      {"half_cT_is_float", kHalf, kForward, [](World& w) { nudge(w.forward.cT, 2); }, kInvalid,
       {"cT is 0x", "4 bytes"}},
      {"bfloat_dy_misaligned", kBfloat, kBackward, [](World& w) { nudge(w.backward.dy, 1); }, kInvalid,
       {"dy is 0x", "2 bytes"}},
      {"bfloat_dx_misaligned", kBfloat, kBackward, [](World& w) { nudge(w.backward.dx, 1); }, kInvalid,
       {"dx is 0x", "2 bytes"}},
      {"bfloat_y_misaligned", kBfloat, kBackward, [](World& w) { nudge(w.backward.y, 1); }, kInvalid,
       {"y is 0x", "2 bytes"}},
      {"bfloat_dhT_is_float", kBfloat, kBackward, [](World& w) { nudge(w.backward.dhT, 2); }, kInvalid,
       {"dhT is 0x", "4 bytes"}},
      {"bfloat_dh0_is_float", kBfloat, kBackward, [](World& w) { nudge(w.backward.dh0, 2); }, kInvalid,
       {"dh0 is 0x", "4 bytes"}},
      {"bfloat_dparameters_is_float", kBfloat, kBackward, [](World& w) { nudge(w.backward.dparameters, 2); }, kInvalid,
       {"dparameters is 0x", "4 bytes"}},
      {"half_step_x_misaligned", kHalf, kStep, [](World& w) { nudge(w.step.x, 1); }, kInvalid, {"x is 0x", "2 bytes"}},
      {"half_step_h_misaligned", kHalf, kStep, [](World& w) { nudge(w.step.h, 1); }, kInvalid, {"h is 0x", "2 bytes"}},
      {"half_step_h_next_misaligned", kHalf, kStep, [](World& w) { nudge(w.step.h_next, 1); }, kInvalid,
       {"h_next is 0x", "2 bytes"}},
      {"half_step_c_next_is_float", kHalf, kStep, [](World& w) { nudge(w.step.c_next, 2); }, kInvalid,
       {"c_next is 0x", "4 bytes"}},
      {"reserve_of_one_layer", kGru, kForward, [](World& w) { w.forward.reserve_size = w.run.sizes().reserve / 2; },
       kSmall, {"reserve_size is", "must be at least"}},
      {"reserve_small", kMasked, kBackward, [](World& w) { --w.backward.reserve_size; }, kSmall,
       {"reserve_size is", "must be at least"}},
      {"training_workspace_small", kMasked, kForward, [](World& w) { --w.forward.workspace_size; }, kSmall,
       {"workspace_size is", "must be at least"}},
      {"inference_workspace_small", kProjected, kInference, [](World& w) { --w.inference.workspace_size; }, kSmall,
       {"workspace_size is", "must be at least"}},
      {"backward_workspace_small", kTruncated, kBackward, [](World& w) { --w.backward.workspace_size; }, kSmall,
       {"workspace_size is", "must be at least"}},
      {"step_workspace_small", kGru, kStep, [](World& w) { --w.step.workspace_size; }, kSmall,
       {"workspace_size is", "must be at least"}},
      {"backward_x_null", kMasked, kBackward, [](World& w) { w.backward.x = nullptr; }, kInvalid, {"x is NULL"}},
      {"forward_y_over_the_last_parameters", kProjected, kForward,
       [](World& w) { w.forward.y = (float*)w.forward.parameters + w.run.sizes().parameter_elements - 1; }, kInvalid,
       {"y overlaps parameters"}},
  };
}

class NetworkErrors : public testing::TestWithParam<Case> {};

TEST_P(NetworkErrors, RefusedBeforeAnythingIsTouched) {
  const Case& c = GetParam();
  World w(c.network);
  w.run.forward(true);  // backward reads what it leaves
  const auto forward = w.forward;
  const auto inference = w.inference;
  const auto backward = w.backward;
  const auto step = w.step;
  const auto before = w.contents();
  const Bytes host = w.host;
  const ApiCounts counts = api_counts();

  c.spoil(w);
  EXPECT_EQ(make(w, c.call), c.status) << recur_last_error();
  const std::string text = recur_last_error();
  EXPECT_EQ(api_counts().launches, counts.launches);
  for (const std::string& part : c.text) EXPECT_NE(text.find(part), std::string::npos) << part << " in: " << text;
  EXPECT_EQ(w.contents(), before);
  EXPECT_EQ(w.host, host);

  // The very same call without the fault goes through.
  w.forward = forward, w.inference = inference, w.backward = backward, w.step = step;
  if (c.status == kNotSupported) return;  // of this plan, whatever its arguments
  ASSERT_EQ(make(w, c.call), RECUR_SUCCESS) << recur_last_error();
  if (api_counts_available) {
    EXPECT_GT(api_counts().launches, counts.launches);
  }
  EXPECT_EQ(w.run.damage(), "");
}

const auto name_of = [](const auto& info) { return std::string(info.param.name); };
INSTANTIATE_TEST_SUITE_P(Masks, NetworkErrors, testing::ValuesIn(masks()), name_of);
INSTANTIATE_TEST_SUITE_P(States, NetworkErrors, testing::ValuesIn(states()), name_of);
INSTANTIATE_TEST_SUITE_P(TypesAndSizes, NetworkErrors, testing::ValuesIn(types_and_sizes()), name_of);

// What the fields say is allowed is allowed: NULL masks of a plan that takes them, at any address those of bytes.
TEST(NetworkErrorsOfMasks, AbsentOrAtAnOddAddressIsNoError) {
  World w(kMasked);
  w.forward.lengths = w.backward.lengths = nullptr;
  w.forward.reset = w.backward.reset = w.spare.get() + 1;
  EXPECT_EQ(make(w, kForward), RECUR_SUCCESS) << recur_last_error();
  EXPECT_EQ(make(w, kBackward), RECUR_SUCCESS) << recur_last_error();
  w.inference.reset = nullptr;
  EXPECT_EQ(make(w, kInference), RECUR_SUCCESS) << recur_last_error();
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
}

void expect_refused(recur_status status, std::initializer_list<const char*> parts) {
  const std::string text = recur_last_error();
  EXPECT_EQ(status, kInvalid) << text;
  for (const char* part : parts) EXPECT_NE(text.find(part), std::string::npos) << part << " in: " << text;
}

TEST(NetworkErrorsOfParameters, PlacesThatAreNone) {
  World all("lstm 3 2 5 4 L2 D2 P3 peep"), plain("gru 3 2 5 4"), clipped("lstm 3 2 5 4 clip");
  recur_parameter_place place = {7, 7, 7};
  const auto get = [&](World& w, int64_t layer, int64_t direction, int which) {
    return recur_layer_get_parameter(w.run.plan(), layer, direction, static_cast<recur_parameter>(which), &place);
  };
  expect_refused(recur_layer_get_parameter(nullptr, 0, 0, RECUR_PARAMETER_W_IH, &place), {"plan is NULL"});
  expect_refused(recur_layer_get_parameter(all.run.plan(), 0, 0, RECUR_PARAMETER_W_IH, nullptr), {"place is NULL"});
  expect_refused(get(all, -1, 0, 0), {"layer is -1", "0 to 1"});
  expect_refused(get(all, 2, 0, 0), {"layer is 2", "0 to 1"});
  expect_refused(get(all, INT64_MAX, 0, 0), {"layer is 9223372036854775807"});
  expect_refused(get(all, 0, -1, 0), {"direction is -1", "0 to 1"});
  expect_refused(get(all, 0, 2, 0), {"direction is 2", "0 to 1"});
  expect_refused(get(plain, 0, 1, 0), {"direction is 1", "0 to 0"});
  expect_refused(get(all, 0, 0, -1), {"parameter is -1", "0 to 5"});
  expect_refused(get(all, 0, 0, 6), {"parameter is 6", "0 to 5"});
  expect_refused(get(plain, 0, 0, RECUR_PARAMETER_W_HR), {"parameter is 4", "none of that kind"});
  expect_refused(get(plain, 0, 0, RECUR_PARAMETER_PEEPHOLE), {"parameter is 5", "none of that kind"});
  expect_refused(get(clipped, 0, 0, RECUR_PARAMETER_PEEPHOLE), {"parameter is 5", "none of that kind"});
  EXPECT_EQ(place.offset, 7u);  // untouched by all of these
  EXPECT_EQ(place.rows, 7);
  EXPECT_EQ(place.columns, 7);

  // The places cover the buffer without a gap or an overlap, in the order that the header states.
  size_t end = 0;
  for (int64_t layer = 0; layer < 2; ++layer)
    for (int64_t direction = 0; direction < 2; ++direction)
      for (int which = 0; which < 6; ++which) {
        ASSERT_EQ(get(all, layer, direction, which), RECUR_SUCCESS) << recur_last_error();
        EXPECT_EQ(place.offset, end);
        end += size_t(place.rows * place.columns);
      }
  EXPECT_EQ(end, all.run.sizes().parameter_elements);
}

TEST(NetworkErrorsOfParameters, CastsThatAreRefused) {
  for (const char* network : {kGru, kHalf, kBfloat, "tanh 3 2 5 4 tf32"}) {
    SCOPED_TRACE(network);
    World w(network);
    const recur_layer_plan* const plan = w.run.plan();
    const recur_type type = w.problem.c.type;
    const size_t count = w.run.sizes().parameter_elements;
    Vector values = widened(random_fill(count, 5, 3.0));
    GuardedBuffer<unsigned char> from(packed(RECUR_TYPE_FLOAT32, values)), to(count * element_size(type));
    const float* const source = reinterpret_cast<float*>(from.get());
    const Bytes before = to.download();
    const ApiCounts counts = api_counts();
    const auto cast = [&](const float* a, void* b) { return recur_layer_cast_parameters(plan, nullptr, a, b); };
    expect_refused(recur_layer_cast_parameters(nullptr, nullptr, source, to.get()), {"plan is NULL"});
    expect_refused(cast(nullptr, to.get()), {"from is NULL"});
    expect_refused(cast(source, nullptr), {"to is NULL"});
    expect_refused(cast(w.on_host<float>(), to.get()), {"from is 0x", "device memory"});
    expect_refused(cast(source, w.host.data()), {"to is 0x", "device memory"});
    const float* odd = source;
    nudge(odd, 2);
    expect_refused(cast(odd, to.get()), {"from is 0x", "4 bytes"});
    expect_refused(cast(source, to.get() + 1), {"to is 0x", element_size(type) == 2 ? "2 bytes" : "4 bytes"});
    expect_refused(cast(source, from.get()), {"to overlaps from"});
    expect_refused(cast(source, from.get() + (count - 1) * 4), {"to overlaps from"});
    EXPECT_EQ(api_counts().launches, counts.launches);
    EXPECT_EQ(to.download(), before);
    EXPECT_EQ(from.download(), packed(RECUR_TYPE_FLOAT32, values));

    ASSERT_EQ(cast(source, to.get()), RECUR_SUCCESS) << recur_last_error();
    Vector expected = values;
    for (double& v : expected) v = rounded(type, v);
    EXPECT_EQ(to.download(), packed(type, expected));
    EXPECT_EQ(from.damage() + to.damage(), "");
  }
}

}  // namespace
}  // namespace recur::test
