// What a caller of a network may lay over each other, carry from call to call and leave out of bounds; and its sizes at
// the edges.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/network_problem.hpp"
#include "tests/support/network_run.hpp"

namespace recur::test {
namespace {

void forward(const NetworkRun& run, const recur_layer_forward_args& args) {
  check_recur(recur_layer_forward(run.plan(), &args), "recur_layer_forward");
}
void backward(const NetworkRun& run, const recur_layer_backward_args& args) {
  check_recur(recur_layer_backward(run.plan(), &args), "recur_layer_backward");
}

void expect_near(const NetworkProblem& p, const char* name, const Vector& values, const Vector& expected,
                 double scale) {
  const Worst worst = p.compare(name, values, expected, scale);
  EXPECT_TRUE(worst.ok()) << name << ": " << worst.text();
}
void expect_near(const NetworkProblem& p, const char* name, const Vector& values, const Vector& expected) {
  expect_near(p, name, values, expected, root_mean_square(expected));
}

void expect_parameter_gradients(const NetworkProblem& p, const NetworkRun& run) {
  const char* const names[] = {"dW_ih", "dW_hh", "db_ih", "db_hh", "dW_hr", "dpeephole"};
  for (size_t pass = 0; pass < p.weights.size(); ++pass) {
    const reference::LayerWeights& w = p.gradients.weights[pass];
    const Vector* const parts[] = {&w.w_ih, &w.w_hh, &w.b_ih, &w.b_hh, &w.w_hr, &w.peephole};
    for (int which = 0; which < 6; ++which)
      if (!parts[which]->empty())
        expect_near(p, names[which], run.gradient(int64_t(pass), recur_parameter(which)), *parts[which]);
  }
}

// hT over h0, cT over c0, dh0 over dhT, dc0 over dcT, in every layer and direction.
TEST(NetworkCalls, StatesInPlace) {
  for (const char* network : {"lstm 4 3 5 8 L2 D2", "lstm 1 3 5 7 L3 D2", "lstm 4 3 5 9 L2 D2 P4 peep clip",
                              "lstm 5 4 3 8 L2 D2 P4 ragged reset", "gru 4 3 5 7 L3 D2", "gru 1 2 3 4 L2 D2",
                              "gru 5 4 3 8 L2 D2 ragged reset drop", "gru_before 4 3 5 8 L2 D2",
                              "gru_before 1 3 5 7 L2 D2 ragged", "gru_before 5 4 3 7 L2 D2 reset",
                              "tanh 4 3 5 8 L2 D2 batch_first", "gru 4 3 5 8 L2 D2 fp16", "lstm 4 3 5 8 L2 D2 bf16"}) {
    SCOPED_TRACE(network);
    const NetworkProblem p(read_network_case(network));
    const bool cells = p.c.shape.has_cells();
    for (const bool training : {true, false}) {
      NetworkRun run(p);
      const Bytes h0 = run.bytes("h0"), c0 = cells ? run.bytes("c0") : Bytes();
      recur_layer_forward_args args = run.forward_args(training);
      args.hT = const_cast<void*>(args.h0);
      args.cT = const_cast<float*>(args.c0);
      forward(run, args);
      const reference::NetworkForward& expected = training ? p.forward : p.inference;
      expect_near(p, "y", run.y(), expected.y);
      expect_near(p, "hT", unpacked(p.c.type, run.bytes("h0")), expected.hT, root_mean_square(expected.hiddens));
      if (cells) expect_near(p, "cT", run.floats("c0"), expected.cT, root_mean_square(expected.cells));
      if (!training) continue;
      run.get("h0").upload(h0);  // backward reads the values that forward read
      if (cells) run.get("c0").upload(c0);
      recur_layer_backward_args back = run.backward_args();
      back.dh0 = const_cast<float*>(back.dhT);
      back.dc0 = const_cast<float*>(back.dcT);
      backward(run, back);
      expect_near(p, "dx", run.dx(), p.gradients.dx);
      expect_near(p, "dh0", run.floats("dhT"), p.gradients.dh0);
      if (cells) expect_near(p, "dc0", run.floats("dcT"), p.gradients.dc0);
      expect_parameter_gradients(p, run);
    }
  }
}

// A length outside 0..T is taken as the nearer of the two, forward and back, in both directions.
TEST(NetworkCalls, LengthsOutOfRangeAreClamped) {
  constexpr int32_t least = std::numeric_limits<int32_t>::min(), most = std::numeric_limits<int32_t>::max();
  for (const char* network : {"lstm 5 6 3 8 L2 D2 ragged", "lstm 5 6 3 7 D2 P3 ragged reset",
                              "gru 5 6 3 8 L2 D2 ragged", "gru_before 5 6 3 7 D2 ragged",
                              "tanh 5 6 3 4 ragged batch_first", "gru 5 6 3 8 ragged k1=2,k2=3",
                              "relu 5 6 3 4 L2 ragged drop fp16"}) {
    SCOPED_TRACE(network);
    NetworkProblem p(read_network_case(network));
    p.inputs.lengths = {0, 5, 0, 5, 3, 5};
    p.compute();
    const std::vector<int32_t> beyond = {-1, 6, least, most, 3, 1000};
    Bytes lengths(beyond.size() * sizeof(int32_t));
    std::memcpy(lengths.data(), beyond.data(), lengths.size());
    NetworkRun within(p), outside(p);
    outside.get("lengths").upload(lengths);
    for (NetworkRun* run : {&within, &outside}) {
      run->forward(true);
      run->backward();
    }
    expect_near(p, "y", within.y(), p.forward.y);
    expect_near(p, "dx", within.dx(), p.gradients.dx);
    EXPECT_EQ(outside.results(), within.results());
    within.forward(false);
    outside.forward(false);
    EXPECT_EQ(outside.results(), within.results());
    EXPECT_EQ(outside.bytes("lengths"), lengths);
    EXPECT_EQ(within.damage(), "");
  }
}

// A sequence in three chunks is the sequence in one: states are carried forward and their gradients back, the
// parameters' add up. Lengths are counted from each chunk's start, so that they leave 0..K on both sides.
TEST(NetworkCalls, ChunksWithCarriedStatesAreOneSequence) {
  const int64_t chunks = 3, K = 4;
  for (const std::string options : {"3 5 8", "3 5 7 L2", "4 3 8 L3 reset", "5 3 7 L2 ragged reset"}) {
    for (const std::string cell : {"gru", "gru_before", "tanh", "lstm"}) {
      const NetworkProblem p(read_network_case(cell + " 12 " + options));
      SCOPED_TRACE(p.c.text);
      const reference::NetworkShape& s = p.c.shape;
      NetworkCase part_case = p.c;
      part_case.shape.steps = K;
      reference::NetworkInputs nothing = p.inputs;
      nothing.x.resize(size_t(K * s.batch * s.inputs));
      if (p.c.reset) nothing.reset.resize(size_t(K * s.batch));
      const NetworkProblem part(part_case, p.weights, nothing, Vector(size_t(K * s.batch * s.hidden)), p.dhT, p.dcT);
      NetworkRun whole(p), one(part);  // the buffers of the whole, plan and workspaces of a chunk
      const bool cells = s.has_cells();
      const size_t state = one.sizes().state_elements;
      std::vector<NetworkRun::Raw> reserves;
      GuardedBuffer<float> h((chunks + 1) * state), c((chunks + 1) * state), dh(state), dc(state);
      const auto copy = [](void* to, const void* from, size_t floats) {
        check_cuda(cudaMemcpy(to, from, floats * sizeof(float), cudaMemcpyDeviceToDevice), "cudaMemcpy");
      };
      const recur_layer_forward_args all = whole.forward_args(true);
      const recur_layer_backward_args back = whole.backward_args();
      copy(h.get(), all.h0, state);
      copy(dh.get(), back.dhT, state);
      if (cells) copy(c.get(), all.c0, state), copy(dc.get(), back.dcT, state);
      const auto plus = [](const void* base, int64_t floats) {
        return const_cast<float*>(static_cast<const float*>(base)) + floats;
      };
      std::vector<GuardedBuffer<int32_t>> lengths;
      for (int64_t k = 0; k < chunks; ++k) {
        reserves.emplace_back(one.sizes().reserve);
        std::vector<int32_t> rest;
        for (int64_t length : p.inputs.lengths) rest.push_back(int32_t(length - k * K));
        lengths.emplace_back(rest);
      }
      const auto mask = [&](auto& args, int64_t k) {
        args.parameters = all.parameters;
        args.x = plus(all.x, k * K * s.batch * s.inputs);
        args.y = plus(all.y, k * K * s.batch * s.hidden);
        args.h0 = h.get() + k * int64_t(state);
        args.c0 = cells ? c.get() + k * int64_t(state) : nullptr;
        args.reserve = reserves[size_t(k)].get();
        args.lengths = p.c.ragged ? lengths[size_t(k)].get() : nullptr;
        args.reset = p.c.reset ? all.reset + k * K * s.batch : nullptr;
      };
      for (int64_t k = 0; k < chunks; ++k) {
        recur_layer_forward_args args = one.forward_args(true);
        mask(args, k);
        args.hT = h.get() + (k + 1) * int64_t(state);
        args.cT = cells ? c.get() + (k + 1) * int64_t(state) : nullptr;
        forward(one, args);
      }
      for (int64_t k = chunks - 1; k >= 0; --k) {
        recur_layer_backward_args args = one.backward_args();
        mask(args, k);
        args.dy = plus(back.dy, k * K * s.batch * s.hidden);
        args.dhT = args.dh0 = dh.get();
        args.dcT = args.dc0 = cells ? dc.get() : nullptr;
        args.dx = plus(back.dx, k * K * s.batch * s.inputs);
        args.dparameters = back.dparameters;
        args.accumulate = k != chunks - 1;
        backward(one, args);
      }
      expect_near(p, "y", whole.y(), p.forward.y);
      const auto last = [&](const GuardedBuffer<float>& states) {
        const std::vector<float> values = states.download();
        return Vector(values.end() - ptrdiff_t(state), values.end());
      };
      expect_near(p, "hT", last(h), p.forward.hT, root_mean_square(p.forward.hiddens));
      expect_near(p, "dx", whole.dx(), p.gradients.dx);
      expect_near(p, "dh0", widened(dh.download()), p.gradients.dh0);
      if (cells) {
        expect_near(p, "cT", last(c), p.forward.cT, root_mean_square(p.forward.cells));
        expect_near(p, "dc0", widened(dc.download()), p.gradients.dc0);
      }
      expect_parameter_gradients(p, whole);
      for (const auto& reserve : reserves) EXPECT_EQ(reserve.damage(), "");
      EXPECT_EQ(h.damage() + c.damage() + dh.damage() + dc.damage() + whole.damage(), "");
    }
  }
}

// T, N and I beyond the 65,535 blocks of a grid's second and third dimension.
TEST(NetworkExtremes, MoreThan65535OfEachSize) {
  for (const char* network :
       {"gru 65600 1 1 1", "gru_before 65600 1 1 1", "tanh 65600 1 1 1", "gru 65600 2 1 1 D2 ragged reset",
        "tanh 65600 1 1 2 k1=30000,k2=40000", "gru 1 65600 1 1", "gru_before 2 65600 1 1 ragged", "tanh 1 65600 1 1",
        "gru 1 1 65600 1", "relu 1 1 65600 1"}) {
    SCOPED_TRACE(network);
    const NetworkProblem p(read_network_case(network));
    NetworkRun run(p);
    run.forward(true);
    run.backward();
    expect_near(p, "y", run.y(), p.forward.y);
    expect_near(p, "hT", run.hT(), p.forward.hT, root_mean_square(p.forward.hiddens));
    expect_near(p, "dx", run.dx(), p.gradients.dx);
    if (p.c.period == 0) expect_near(p, "dh0", run.floats("dh0"), p.gradients.dh0);
    expect_parameter_gradients(p, run);
    EXPECT_EQ(run.damage(), "");
  }
}

// The input products come in chunks of steps, here two and a rest of one, from both ends. Rows of a batch do not depend
// on each other, so a few of them are enough to tell.
TEST(NetworkExtremes, ChunksOfStepsInBothDirections) {
  const int64_t T = 3, N = 32768, I = 1, H = 64;
  NetworkProblem row(read_network_case("gru 3 1 1 64 D2"));
  NetworkCase whole_case = row.c;
  whole_case.shape.batch = N;
  reference::NetworkInputs inputs;
  inputs.x = widened(random_fill(size_t(T * N * I), 1));
  inputs.h0 = widened(random_fill(size_t(2 * N * H), 2));
  const NetworkProblem whole(whole_case, row.weights, inputs, Vector(size_t(T * N * 2 * H)), {}, {});
  NetworkRun run(whole);
  NetworkCase longer = whole_case;
  longer.shape.steps = 4;
  const NetworkProblem none(longer, row.weights, {}, {}, {}, {});
  ASSERT_EQ(NetworkRun(none).sizes().inference_workspace, run.sizes().inference_workspace) << "this is one chunk";
  run.forward(false);
  const Vector y = run.y(), hT = run.hT();
  for (const int64_t n : {int64_t{0}, int64_t{1}, N / 2 + 1, N - 1}) {
    const auto of_row = [&](const Vector& all, int64_t steps, int64_t columns) {
      Vector out;
      for (int64_t t = 0; t < steps; ++t)
        out.insert(out.end(), all.begin() + (t * N + n) * columns, all.begin() + (t * N + n + 1) * columns);
      return out;
    };
    row.inputs.x = of_row(inputs.x, T, I);
    row.inputs.h0 = of_row(inputs.h0, 2, H);
    row.compute();
    expect_near(row, "y", of_row(y, T, 2 * H), row.inference.y);
    expect_near(row, "hT", of_row(hT, 2, H), row.inference.hT, root_mean_square(row.inference.hiddens));
  }
  EXPECT_EQ(run.damage(), "");
}

}  // namespace
}  // namespace recur::test
