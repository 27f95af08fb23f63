// The path a layer takes is a value: pinned here for forty shapes on the five devices that the emulator has profiles of.
#include "host/choose.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "host/check.hpp"
#include "host/layout.hpp"
#include "host/validate.hpp"
#include "tests/support/network_case.hpp"

namespace {

using recur::test::NetworkCase;
using recur::test::read_network_case;

// Compute capability, multiprocessors, bytes of shared memory that a block may have.
const recur::DeviceInfo kH100 = {90, 132, 232448}, kA100 = {80, 108, 166912}, kRtx4090 = {89, 128, 101376},
                        kRtx5090 = {120, 170, 101376}, kT4 = {75, 40, 65536};
const recur::DeviceInfo kDevices[] = {kH100, kA100, kRtx4090, kRtx5090, kT4};

recur_layer_choice choose(const std::string& network, const recur::DeviceInfo& device) {
  const recur_layer_descriptor d = recur::validated(read_network_case(network).descriptor());
  const recur::Geometry geometry(d, recur::cell_of(d));
  return recur::choose(d, geometry, recur::layout(d, geometry).chunk, device);
}

// S streamed, B block; on H100, A100, RTX 4090, RTX 5090, T4.
struct Pin {
  const char *network, *homes;
};

class Choice : public testing::TestWithParam<Pin> {};

TEST_P(Choice, IsPinned) {
  std::string homes;
  for (const recur::DeviceInfo& device : kDevices) {
    const recur_layer_choice choice = choose(GetParam().network, device);
    const bool block = choice.residency == RECUR_RESIDENCY_BLOCK;
    homes += block ? 'B' : 'S';
    ASSERT_NE(std::memchr(choice.reason, 0, sizeof choice.reason), nullptr);
    const std::string reason = choice.reason;
    EXPECT_EQ(reason.find(block ? "block: " : "streamed: "), 0u) << reason;
    EXPECT_LT(reason.size(), sizeof choice.reason - 1) << "cut short: " << reason;
    EXPECT_EQ(choice.launches_per_step == 0, block);
    EXPECT_GT(choice.streamed_microseconds, 0);
    EXPECT_EQ(choice.step_microseconds < choice.streamed_microseconds, block);
  }
  EXPECT_EQ(homes, GetParam().homes) << choose(GetParam().network, kH100).reason;
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, Choice,
    testing::Values(
        // FlashRNN: heads of one size, B16 T1024
        Pin{"lstm 1024 16 64 64 bf16", "BBBBS"}, Pin{"lstm 1024 16 128 128 bf16", "BBBBS"},
        Pin{"lstm 1024 16 192 192 bf16", "BSSSS"}, Pin{"lstm 1024 16 256 256 bf16", "SSSSS"},
        Pin{"lstm 1024 16 384 384 bf16", "SSSSS"}, Pin{"lstm 1024 16 768 768 bf16", "SSSSS"},
        Pin{"gru 1024 16 128 128 bf16", "BBBBS"}, Pin{"gru 1024 16 192 192 bf16", "BBSSS"},
        Pin{"gru 1024 16 768 768 bf16", "SSSSS"}, Pin{"lstm 2048 2 128 128 bf16", "BBBBS"},
        Pin{"lstm 256 256 128 128 bf16", "BBBBS"},
        // latency: one row
        Pin{"lstm 100 1 128 128 fp16", "BBBBS"}, Pin{"gru 100 1 128 128 fp16", "BBBBS"},
        Pin{"lstm 100 1 192 192 fp16", "BSSSS"}, Pin{"lstm 100 1 512 512 fp16", "SSSSS"},
        Pin{"lstm 100 1 1024 1024 fp16", "SSSSS"},
        // sizes about the limits
        Pin{"lstm 100 8 64 16 fp16", "BBBBS"}, Pin{"lstm 100 8 64 144 fp16", "BBBBS"},
        Pin{"lstm 100 8 64 160 fp16", "BBSSS"}, Pin{"lstm 100 8 64 176 fp16", "BSSSS"},
        Pin{"lstm 100 8 64 193 fp16", "SSSSS"}, Pin{"lstm 100 8 64 192 fp16 ragged", "BSSSS"},
        Pin{"lstm 100 8 64 176 fp16 ragged", "BSSSS"}, Pin{"gru 100 8 64 160 fp16", "BBBBS"},
        Pin{"gru 100 8 64 176 fp16 ragged", "BBSSS"}, Pin{"gru 100 8 64 193 fp16", "SSSSS"},
        // many rows: blocks wait for a turn
        Pin{"lstm 100 1056 64 128 fp16", "BBBBS"}, Pin{"lstm 100 2112 64 128 fp16 D2", "BBBBS"},
        Pin{"lstm 100 16384 64 128 fp16", "BSBBS"}, Pin{"lstm 100 4096 64 192 fp16", "BSSSS"},
        // a single step; one that repays no copy of R
        Pin{"lstm 1 8 64 128 fp16", "BSSSS"}, Pin{"gru 2 64 64 192 bf16", "BSSSS"},
        // what has no block
        Pin{"lstm 25 16 512 512", "SSSSS"}, Pin{"lstm 100 16 128 128", "SSSSS"},
        Pin{"gru 100 16 128 128 tf32", "SSSSS"}, Pin{"gru_before 100 16 128 128 fp16", "SSSSS"},
        Pin{"tanh 50 64 1760 1760 fp16", "SSSSS"}, Pin{"lstm 100 16 128 128 fp16 P64", "SSSSS"},
        Pin{"lstm 100 16 128 128 fp16 peep", "SSSSS"}, Pin{"lstm 100 16 128 128 fp16 clip", "SSSSS"}),
    [](const auto& info) {
      std::string name = info.param.network;
      for (char& letter : name)
        if (!std::isalnum(static_cast<unsigned char>(letter))) letter = '_';
      return name;
    });

std::string refusal(const std::string& network, const recur::DeviceInfo& device) {
  try {
    choose(network, device);
  } catch (const recur::Failure& failure) {
    EXPECT_EQ(failure.status(), RECUR_NOT_SUPPORTED);
    return failure.what();
  }
  return "none";
}

TEST(Choice, ForcedWhereItCanBe) {
  for (const recur::DeviceInfo& device : kDevices) {
    const recur_layer_choice choice = choose("lstm 1024 16 64 64 bf16 streamed", device);
    EXPECT_EQ(choice.residency, RECUR_RESIDENCY_STREAMED);
    EXPECT_NE(std::string(choice.reason).find("as forced"), std::string::npos) << choice.reason;
  }
  const recur_layer_choice slower = choose("lstm 1 8 64 192 bf16 block", kH100);
  EXPECT_EQ(slower.residency, RECUR_RESIDENCY_BLOCK);
  EXPECT_GT(slower.step_microseconds, slower.streamed_microseconds);
  EXPECT_NE(std::string(slower.reason).find("as forced"), std::string::npos) << slower.reason;
}

// What cannot be names the field, its value and the limit.
TEST(Choice, RefusedByName) {
  const std::string begin = "residency is block, and cannot be: ";
  EXPECT_EQ(refusal("tanh 9 8 4 16 fp16 block", kH100), begin + "cell is neither LSTM nor reset-after GRU");
  EXPECT_EQ(refusal("gru_before 9 8 4 16 fp16 block", kH100), begin + "cell is neither LSTM nor reset-after GRU");
  EXPECT_EQ(refusal("lstm 9 8 4 16 block", kH100), begin + "type is neither fp16 nor bf16");
  EXPECT_EQ(refusal("gru 9 8 4 16 tf32 block", kH100), begin + "type is neither fp16 nor bf16");
  EXPECT_EQ(refusal("lstm 9 8 4 16 fp16 P4 block", kH100), begin + "projection_size is set");
  EXPECT_EQ(refusal("lstm 9 8 4 16 fp16 peep block", kH100), begin + "peepholes is set");
  EXPECT_EQ(refusal("lstm 9 8 4 16 fp16 clip block", kH100), begin + "cell_clip is set");
  EXPECT_EQ(refusal("lstm 9 8 4 16 fp16 block", kT4), begin + "compute capability is 7.5, it needs at least 8.0");
  EXPECT_EQ(refusal("lstm 9 8 4 193 fp16 block", kH100), begin + "hidden_size is 193, it holds at most 192");
  EXPECT_EQ(refusal("lstm 9 8 4 192 fp16 block", kRtx4090),
            begin + "hidden_size is 192, for which a block needs 205312 bytes of shared memory, and the device has 101376");
  EXPECT_EQ(refusal("lstm 9 8 4 192 fp16 ragged block", kH100), "none");
}

}  // namespace
