// Sectors and wavefronts of address patterns that can be counted on paper.
#include "count/pattern.hpp"

#include <gtest/gtest.h>

#include <array>
#include <functional>

namespace {

using ptxvm::count::local_sectors;
using ptxvm::count::sectors;
using ptxvm::count::shared_wavefronts;
using ptxvm::count::SharedUse;

constexpr std::uint32_t kAll = ~0u;

std::array<std::uint64_t, 32> addresses(const std::function<std::uint64_t(unsigned)>& of_lane) {
  std::array<std::uint64_t, 32> a;
  for (unsigned i = 0; i < 32; i++) a[i] = of_lane(i);
  return a;
}

unsigned strided_sectors(unsigned stride, unsigned bytes, std::uint64_t start = 4096, std::uint32_t mask = kAll) {
  return sectors(addresses([=](unsigned i) { return start + std::uint64_t{i} * stride; }).data(), mask, bytes);
}

struct Taken {
  unsigned taken, least;
  bool operator==(const Taken& o) const { return taken == o.taken && least == o.least; }
};
std::ostream& operator<<(std::ostream& out, const Taken& t) { return out << t.taken << " of " << t.least; }

Taken wavefronts(unsigned stride, unsigned bytes, SharedUse use = SharedUse::Load, std::uint32_t mask = kAll) {
  const auto w = shared_wavefronts(addresses([=](unsigned i) { return std::uint64_t{i} * stride; }).data(), mask, bytes, use);
  return {w.taken, w.least};
}

TEST(Sectors, StridesOfFloats) {
  EXPECT_EQ(strided_sectors(4, 4), 4u);
  EXPECT_EQ(strided_sectors(8, 4), 8u);
  EXPECT_EQ(strided_sectors(16, 4), 16u);
  EXPECT_EQ(strided_sectors(32, 4), 32u);
  EXPECT_EQ(strided_sectors(128, 4), 32u);
}

TEST(Sectors, BroadcastIsOne) { EXPECT_EQ(strided_sectors(0, 4), 1u); }

TEST(Sectors, MisalignedStartTouchesOneMore) {
  EXPECT_EQ(strided_sectors(4, 4, 4096 + 4), 5u);
  EXPECT_EQ(strided_sectors(16, 16, 4096 + 16), 17u);
}

TEST(Sectors, WideAccesses) {
  EXPECT_EQ(strided_sectors(8, 8), 8u);
  EXPECT_EQ(strided_sectors(16, 16), 16u);
  EXPECT_EQ(strided_sectors(32, 32), 32u);
  EXPECT_EQ(strided_sectors(1, 1), 1u);
}

TEST(Sectors, OnlyActiveLanes) {
  EXPECT_EQ(strided_sectors(32, 4, 4096, 0x1), 1u);
  EXPECT_EQ(strided_sectors(32, 4, 4096, 0x80000001u), 2u);
  EXPECT_EQ(strided_sectors(4, 4, 4096, 0xff), 1u);
}

TEST(Sectors, AnyOrderOfLanes) {
  EXPECT_EQ(sectors(addresses([](unsigned i) { return 4096 + 4 * (31 - i); }).data(), kAll, 4), 4u);
  EXPECT_EQ(sectors(addresses([](unsigned i) { return 4096 + 32 * ((i * 7) % 4); }).data(), kAll, 4), 4u);
}

TEST(LocalSectors, LanesAtOneOffsetLieSideBySide) {
  const auto same = addresses([](unsigned) { return 8; });
  EXPECT_EQ(local_sectors(same.data(), kAll, 4), 4u);
  EXPECT_EQ(local_sectors(same.data(), kAll, 16), 16u);
  EXPECT_EQ(local_sectors(same.data(), 0xff, 4), 1u);
  EXPECT_EQ(local_sectors(same.data(), kAll, 1), 4u);
  const auto apart = addresses([](unsigned i) { return 4 * i; });
  EXPECT_EQ(local_sectors(apart.data(), kAll, 4), 32u);
}

TEST(Wavefronts, StrideOfWordsGivesItsPowerOfTwo) {
  for (unsigned words : {1u, 2u, 4u, 8u, 16u, 32u}) EXPECT_EQ(wavefronts(4 * words, 4), (Taken{words, 1})) << words;
  EXPECT_EQ(wavefronts(4 * 3, 4), (Taken{1, 1})) << "odd strides meet no bank twice";
  EXPECT_EQ(wavefronts(4 * 33, 4), (Taken{1, 1})) << "one word of padding";
}

TEST(Wavefronts, BroadcastAndSubWords) {
  EXPECT_EQ(wavefronts(0, 4), (Taken{1, 1}));
  EXPECT_EQ(wavefronts(1, 1), (Taken{1, 1}));
  EXPECT_EQ(wavefronts(2, 2), (Taken{1, 1}));
  EXPECT_EQ(wavefronts(128, 1), (Taken{32, 1}));
}

TEST(Wavefronts, TwoWordsInOneBankAreTwoPasses) {
  const auto a = addresses([](unsigned i) { return i % 2 ? 128 : 0; });
  EXPECT_EQ(shared_wavefronts(a.data(), kAll, 4, SharedUse::Load).taken, 2u);
}

TEST(Wavefronts, EightBytesByHalfWarps) {
  EXPECT_EQ(wavefronts(8, 8), (Taken{2, 2}));
  EXPECT_EQ(wavefronts(16, 8), (Taken{4, 2}));
  EXPECT_EQ(wavefronts(128, 8), (Taken{32, 2}));
  EXPECT_EQ(wavefronts(8, 8, SharedUse::Load, 0xffff), (Taken{1, 1})) << "the other half is not there";
}

TEST(Wavefronts, SixteenBytesByQuarterWarps) {
  EXPECT_EQ(wavefronts(16, 16), (Taken{4, 4}));
  EXPECT_EQ(wavefronts(32, 16), (Taken{8, 4}));
  EXPECT_EQ(wavefronts(128, 16), (Taken{32, 4}));
  EXPECT_EQ(wavefronts(144, 16), (Taken{4, 4})) << "16 bytes of padding a row of 128";
}

// Loads whose neighbours agree are served two at a time.
TEST(Wavefronts, AgreeingPairsHalveWideLoads) {
  const auto neighbours = addresses([](unsigned i) { return 16 * (i / 2); });
  EXPECT_EQ(shared_wavefronts(neighbours.data(), kAll, 16, SharedUse::Load).taken, 2u);
  EXPECT_EQ(shared_wavefronts(neighbours.data(), kAll, 16, SharedUse::Store).taken, 4u);
  const auto next_but_one = addresses([](unsigned i) { return 8 * (i & ~2u); });
  EXPECT_EQ(shared_wavefronts(next_but_one.data(), kAll, 8, SharedUse::Load).taken, 2u) << "two rows of banks in any case";
  EXPECT_EQ(shared_wavefronts(neighbours.data(), kAll, 8, SharedUse::Load).taken, 2u);
  EXPECT_EQ(wavefronts(0, 16), (Taken{2, 2}));
  EXPECT_EQ(wavefronts(0, 8), (Taken{1, 1}));
}

TEST(Wavefronts, AtomicsOfOneWordGoOneByOne) {
  EXPECT_EQ(wavefronts(0, 4, SharedUse::Atomic), (Taken{32, 1}));
  EXPECT_EQ(wavefronts(4, 4, SharedUse::Atomic), (Taken{1, 1}));
  EXPECT_EQ(wavefronts(0, 4, SharedUse::Atomic, 0x7), (Taken{3, 1}));
}

// ldmatrix: the eight rows of 16 bytes of one 8 x 8 matrix are one pass where no banks meet.
TEST(Wavefronts, MatrixRows) {
  EXPECT_EQ(wavefronts(16, 16, SharedUse::MatrixRows, 0xff), (Taken{1, 1}));
  EXPECT_EQ(wavefronts(16, 16, SharedUse::MatrixRows), (Taken{4, 4}));
  EXPECT_EQ(wavefronts(128, 16, SharedUse::MatrixRows), (Taken{32, 4})) << "rows of 64 halves, unpadded";
  EXPECT_EQ(wavefronts(64, 16, SharedUse::MatrixRows), (Taken{16, 4}));
  EXPECT_EQ(wavefronts(144, 16, SharedUse::MatrixRows), (Taken{4, 4}));
}

}  // namespace
