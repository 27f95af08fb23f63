// What recur-bench counts under the emulator, against counts made otherwise.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "count_emulated.hpp"
#include "kernel_table.hpp"
#include "layer_call.hpp"
#include "measure.hpp"
#include "products.hpp"
#include "ptxvm/ptxvm.h"
#include "shapes.hpp"
#include "time_gpu.hpp"

namespace recur::bench {
namespace {

// By hand, of a streamed LSTM in float: a product of the inputs, then for each step a product and a kernel.
TEST(Count, ATinyForwardMovesWhatItMust) {
  const double T = 3, N = 2, I = 5, H = 4;
  const Counts c = count_call(layer(RECUR_CELL_LSTM, RECUR_TYPE_FLOAT32, 3, 2, 5, 4), Pass::inference);
  ASSERT_EQ(c.choice.residency, RECUR_RESIDENCY_STREAMED);
  EXPECT_EQ(c.counted[0], 3);
  EXPECT_EQ(c.counted[1], 0);
  EXPECT_EQ(c.launches(), 1 + 2 * T);
  EXPECT_EQ(c.products, 1 + T);
  // A unit: four gates and c' read, c and h written; h and c of the last step once more.
  EXPECT_EQ(c.total(&KernelCounts::bytes), 4 * (T * N * H * 7 + 2 * N * H));
  // x W_ih^T + b_ih; then a += h' W_hh^T + b_hh.
  EXPECT_EQ(c.product_bytes, 4 * (T * N * I + 4 * H * I + 4 * H + T * N * 4 * H) +
                                 T * 4 * (N * H + 4 * H * H + 4 * H + 2 * N * 4 * H));
  EXPECT_EQ(c.product_flops, 2 * T * N * 4 * H * (I + H));
  EXPECT_EQ(c.product_matrix_flops, 0);
  EXPECT_EQ(c.barriers_a_step(), 0);
  EXPECT_EQ(c.stack(), 0);
  EXPECT_GT(c.most_registers()->registers, 15);
  double share = 0;
  EXPECT_EQ(c.largest_part(&share), "products: launch");
  EXPECT_GT(share, 0.5);
}

// The products that are noted are those that the emulated cuBLASLt computes, if it is let.
TEST(Count, EveryProductIsNoted) {
  for (const recur_cell cell :
       {RECUR_CELL_LSTM, RECUR_CELL_GRU, RECUR_CELL_GRU_RESET_BEFORE, RECUR_CELL_RNN_TANH}) {
    for (const Pass pass : {Pass::inference, Pass::training, Pass::step}) {
      const Stream stream;
      const LayerCall call(layer(cell, RECUR_TYPE_BFLOAT16, 4, 3, 5, 8, 2), pass, stream);
      compute_products(true);
      reset_products(3);
      ptxvm_counts before{}, after{};
      ptxvm_api_counts(&before);
      call.run();
      ptxvm_api_counts(&after);
      compute_products(false);
      double noted = 0;
      for (const ProductGroup& group : noted_products()) {
        noted += group.count;
        EXPECT_EQ(group.factors, Factors::bfloat);
      }
      EXPECT_EQ(noted, static_cast<double>(after.products - before.products))
          << name_of(cell) << " " << name_of(pass);
      EXPECT_GT(noted, 0);
    }
  }
}

// What is counted does not depend on whether the products were computed.
TEST(Count, ProductsThatAreNotComputedChangeNoCounter) {
  recur_layer_descriptor d = layer(RECUR_CELL_GRU, RECUR_TYPE_FLOAT16, 4, 3, 5, 8);
  d.residency = RECUR_RESIDENCY_STREAMED;
  const Counts skipped = count_call(d, Pass::training);
  compute_products(true);
  const Counts computed = count_call(d, Pass::training);
  compute_products(false);
  EXPECT_EQ(computed.bytes(), skipped.bytes());
  EXPECT_EQ(computed.launches(), skipped.launches());
  EXPECT_EQ(computed.total(&KernelCounts::thread_instructions),
            skipped.total(&KernelCounts::thread_instructions));
  EXPECT_EQ(computed.total(&KernelCounts::requests), skipped.total(&KernelCounts::requests));
  EXPECT_DOUBLE_EQ(computed.seconds(), skipped.seconds());
}

// A long call from two short ones, against the long one itself.
void expect_told(const recur_layer_descriptor& d, Pass pass) {
  const Counts told = count_call(d, pass, {6, 12}), whole = count_call(d, pass, {40, 0});
  const std::string what = describe(d) + " " + name_of(pass);
  EXPECT_EQ(told.choice.residency, d.residency) << what;
  EXPECT_EQ(told.launches(), whole.launches()) << what;
  EXPECT_EQ(told.products, whole.products) << what;
  EXPECT_DOUBLE_EQ(told.product_flops, whole.product_flops) << what;
  EXPECT_DOUBLE_EQ(told.product_bytes, whole.product_bytes) << what;
  EXPECT_NEAR(told.bytes() / whole.bytes(), 1, 0.01)
      << what;  // sums of biases are taken in pieces of a fixed size
  EXPECT_NEAR(told.seconds() / whole.seconds(), 1, 0.02) << what;
  EXPECT_NEAR(told.barriers_a_step(), whole.barriers_a_step(), 0.02 * whole.barriers_a_step() + 0.2) << what;
  if (pass == Pass::inference) {
    EXPECT_DOUBLE_EQ(told.bytes(), whole.bytes()) << what;
  }
}

TEST(Count, TwoShortSequencesTellALongOne) {
  for (const recur_cell cell :
       {RECUR_CELL_LSTM, RECUR_CELL_GRU, RECUR_CELL_GRU_RESET_BEFORE, RECUR_CELL_RNN_RELU}) {
    for (const Pass pass : {Pass::inference, Pass::training}) {
      recur_layer_descriptor d = layer(cell, RECUR_TYPE_FLOAT16, 40, 4, 12, 16);
      d.residency = RECUR_RESIDENCY_STREAMED;
      expect_told(d, pass);
      d.residency = RECUR_RESIDENCY_BLOCK;
      if (cell == RECUR_CELL_LSTM || cell == RECUR_CELL_GRU) expect_told(d, pass);
    }
  }
}

// One launch takes all steps, the weights stay on chip, and the state's products are matrix instructions of
// the kernel.
TEST(Count, ALayerInOneMultiprocessor) {
  recur_layer_descriptor d = layer(RECUR_CELL_LSTM, RECUR_TYPE_FLOAT16, 8, 8, 16, 64);
  d.residency = RECUR_RESIDENCY_STREAMED;
  const Counts streamed = count_call(d, Pass::inference);
  d.residency = RECUR_RESIDENCY_BLOCK;
  const Counts block = count_call(d, Pass::inference);
  EXPECT_LT(block.launches(), streamed.launches() / 2);
  EXPECT_EQ(block.products, 1);
  EXPECT_GT(block.total(&KernelCounts::matrix_flops), 2.0 * 8 * 8 * 256 * 64 - 1);
  EXPECT_GE(block.barriers_a_step(), 1);
  EXPECT_LT(block.bytes(), streamed.bytes());
  EXPECT_LT(block.floor_bytes, streamed.floor_bytes);
  EXPECT_EQ(count_call(d, Pass::step).choice.residency, RECUR_RESIDENCY_STREAMED);
}

TEST(Count, StepsToCount) {
  const auto of = [](int64_t T, int64_t N, int64_t H, int64_t L) {
    const StepsToCount s =
        steps_to_count(layer(RECUR_CELL_LSTM, RECUR_TYPE_FLOAT16, T, N, H, H, L), Pass::training);
    return std::pair<int64_t, int64_t>(s.first, s.second);
  };
  EXPECT_EQ(of(10, 1, 8, 1), std::make_pair(int64_t{10}, int64_t{0}));  // as long as it is
  EXPECT_EQ(of(1000, 1, 8, 1), std::make_pair(int64_t{16}, int64_t{32}));
  EXPECT_EQ(of(1000, 1, 8, 2), std::make_pair(int64_t{8}, int64_t{16}));
  EXPECT_EQ(of(1000, 128, 4096, 1), std::make_pair(int64_t{3}, int64_t{4}));
}

// The table "kernels": what docs/kernels/streamed.md says of it.
TEST(Kernels, TheLstmMovesTheLeast) {
  const std::vector<KernelRow> rows = measure_kernels(0);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].call, "LSTM forward, training");
  EXPECT_EQ(rows[0].shape, "T8 N16 I64 H128");
  EXPECT_EQ(rows[0].counts.bytes, rows[0].least_bytes);
  EXPECT_EQ(rows[0].least_bytes, 8 * 16 * 128 * 44);
  EXPECT_EQ(rows[0].counts.launches, 8);
  EXPECT_GT(rows[0].counts.registers, 0);
  // Each kernel is found by its name: one of every cell, and what is not of layers.
  for (size_t k :
       {size_t{8}, size_t{14}, kernel_work_count() - 3, kernel_work_count() - 2, kernel_work_count() - 1})
    EXPECT_FALSE(measure_kernels(k).empty()) << k;
}

// The emulator's times say nothing; that calls are made as often as said, graphs too, and what cannot run
// says why, does.
TEST(Time, EveryWayIsTimed) {
  const Timer timer(0.001);
  int calls = 0;
  const Timing timing = timer.time("counted", [&](recur_stream) { ++calls; });
  EXPECT_EQ(timing.name, "counted");
  EXPECT_EQ(calls, 2 + timing.repetitions / 4 + 2 * timing.repetitions + 1);
  EXPECT_LE(timing.warm.p10, timing.warm.median);
  EXPECT_LE(timing.warm.median, timing.warm.p90);
}

TEST(Time, TheLayerItsGraphAndWhyNotCudnn) {
  const Timer timer(0.001);
  const recur_layer_descriptor d = layer(RECUR_CELL_LSTM, RECUR_TYPE_FLOAT32, 3, 2, 4, 4);
  const std::vector<Timing> timings = time_layer(timer, d, Pass::training);
  ASSERT_GE(timings.size(), 3u);
  EXPECT_EQ(timings[0].name, "recur");
  EXPECT_EQ(timings[1].name, "recur, graph");
  for (size_t k = 0; k < 2; ++k) {
    EXPECT_EQ(timings[k].refused, "");
    EXPECT_GE(timings[k].repetitions, 11);
    EXPECT_GT(timings[k].cold.median, 0);
  }
  for (size_t k = 2; k < timings.size(); ++k)
    EXPECT_NE(timings[k].refused, "") << timings[k].name;  // the device is emulated
  EXPECT_EQ(time_layer(timer, d, Pass::step).at(1).name.substr(0, 5), "cuDNN");
}

}  // namespace
}  // namespace recur::bench
