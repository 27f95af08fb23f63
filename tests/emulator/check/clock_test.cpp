// Folded clocks against plain ones: a time for every agent.
#include "check/clock.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace ptxvm::check {
namespace {

constexpr unsigned kBlocks = 3, kTestWarps = 4;  // and the warps of their copies

// (block, warp, lane) -> time
class Plain {
 public:
  void add(unsigned block, unsigned warp, std::uint32_t lanes, std::uint32_t time) {
    for (unsigned lane = 0; lane < 32; ++lane)
      if ((lanes >> lane) & 1) {
        std::uint32_t& t = times_[{block, warp, lane}];
        t = std::max(t, time);
      }
  }
  void add_block(unsigned block, std::uint32_t time) {
    for (unsigned warp = 0; warp < kAsyncWarps; ++warp) add(block, warp, ~0u, time);
  }
  // What all of the block's threads are known to have done is known of the block.
  void fold_block(unsigned block, unsigned threads) {
    std::uint32_t known = ~0u;
    for (unsigned t = 0; t < threads; ++t) {
      const auto at = times_.find({block, t / 32, t % 32});
      known = std::min(known, at == times_.end() ? 0 : at->second);
    }
    if (known) add_block(block, known);
  }
  void join(const Plain& o) {
    for (const auto& [who, time] : o.times_) times_[who] = std::max(times_[who], time);
  }
  bool covers(unsigned block, unsigned warp, std::uint32_t lanes, std::uint32_t time) const {
    for (unsigned lane = 0; lane < 32; ++lane) {
      const auto t = times_.find({block, warp, lane});
      if (((lanes >> lane) & 1) && (t == times_.end() || t->second < time)) return false;
    }
    return true;
  }
  bool includes(const Plain& o) const {
    return std::all_of(o.times_.begin(), o.times_.end(), [this](const auto& entry) {
      const auto t = times_.find(entry.first);
      return t != times_.end() && t->second >= entry.second;
    });
  }

 private:
  std::map<std::tuple<unsigned, unsigned, unsigned>, std::uint32_t> times_;
};

TEST(Clock, AgreesWithOneTimePerAgent) {
  std::mt19937 random(7);
  const auto any = [&random](unsigned n) { return unsigned(random() % n); };
  const auto warp = [&] { return any(kTestWarps) + (any(4) == 0 ? kAsyncWarps : any(5) == 0 ? kBulkWarps : 0); };
  unsigned included = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<ClockRef> clocks(4);
    std::vector<Plain> plain(4);
    for (int step = 0; step < 40; ++step) {
      const unsigned k = any(4), block = any(kBlocks), w = warp();
      const std::uint32_t time = 1 + any(6), lanes = any(3) == 0 ? ~0u : std::uint32_t(random());
      switch (any(7)) {
        case 0:
          clocks[k].change().add_block(block, time);
          plain[k].add_block(block, time);
          break;
        case 1:
          clocks[k].change().add_warp(block, w, time);
          plain[k].add(block, w, ~0u, time);
          break;
        case 2:
          clocks[k].change().add_agents(block, w, lanes, time);
          plain[k].add(block, w, lanes, time);
          break;
        case 3: {
          const unsigned other = any(4);
          clocks[k].join(clocks[other]);
          plain[k].join(plain[other]);
          break;
        }
        case 4: {  // shared, then changed: the other must stay as it was
          const unsigned other = any(4);
          clocks[k] = clocks[other];
          plain[k] = plain[other];
          break;
        }
        case 5: {
          const unsigned threads = any(2) ? 1 + any(3) : 1 + any(32 * kTestWarps);
          clocks[k].fold_block(block, threads);
          plain[k].fold_block(block, threads);
          break;
        }
        default: break;
      }
      for (unsigned c = 0; c < 4; ++c) {
        const unsigned b = any(kBlocks), v = warp();
        const std::uint32_t l = any(2) ? 1u << any(32) : std::uint32_t(random()), t = 1 + any(6);
        ASSERT_EQ(clocks[c].covers(b, v, l, t), plain[c].covers(b, v, l, t)) << round << " " << step;
      }
    }
    // includes() may miss that 32 agents make a warp, and must never claim what is not so.
    for (unsigned a = 0; a < 4; ++a)
      for (unsigned b = 0; b < 4; ++b) {
        if (!clocks[a] || !clocks[b]) continue;
        if (clocks[a].change().includes(clocks[b].change())) {
          ++included;
          ASSERT_TRUE(plain[a].includes(plain[b]));
        }
      }
  }
  EXPECT_GT(included, 100u);
}

TEST(Clock, KnowsNothingAtFirst) {
  const ClockRef none;
  EXPECT_FALSE(none.covers(0, 0, 1, 1));
  ClockRef one;
  one.change().add_agents(5, 2, 0x10, 3);
  EXPECT_TRUE(one.covers(5, 2, 0x10, 3));
  EXPECT_FALSE(one.covers(5, 2, 0x10, 4));
  EXPECT_FALSE(one.covers(5, 2, 0x30, 3));
  EXPECT_FALSE(one.covers(4, 2, 0x10, 3));
  EXPECT_FALSE(one.covers(5, 2 + kAsyncWarps, 0x10, 3));
}

TEST(Clock, ABlocksEntryLeavesItsCopiesOut) {
  ClockRef c;
  c.change().add_block(1, 9);
  EXPECT_TRUE(c.covers(1, 31, ~0u, 9));
  EXPECT_FALSE(c.covers(1, kAsyncWarps, 1, 1));
  EXPECT_FALSE(c.covers(1, kBulkWarps, 1, 1));
}

}  // namespace
}  // namespace ptxvm::check
