#include "memory/address_space.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <thread>
#include <vector>

namespace ptxvm::memory {
namespace {

AddressSpace& space() { return AddressSpace::instance(); }

unsigned char* host(const Allocation& a) { return reinterpret_cast<unsigned char*>(a.base + a.delta); }

TEST(AddressSpace, BytesLiveBehindTheDeviceAddress) {
  const auto a = space().allocate(1000, Kind::Device);
  ASSERT_TRUE(a);
  EXPECT_EQ(a->base % 256, 0u);
  EXPECT_NE(a->delta, 0);
  EXPECT_TRUE(space().is_device_range(a->base));
  EXPECT_FALSE(space().is_device_range(reinterpret_cast<Address>(host(*a))));
  std::memset(host(*a), 7, 1000);
  EXPECT_EQ(host(*a)[999], 7);
  EXPECT_TRUE(space().release(a->base));
}

TEST(AddressSpace, FreshMemoryIsPoisonedAndModuleVariablesAreZero) {
  const auto a = space().allocate(4097, Kind::Device);
  const auto v = space().allocate(4097, Kind::ModuleVariable, "table");
  EXPECT_TRUE(std::all_of(host(*a), host(*a) + 4097, [](unsigned char b) { return b == 0xFF; }));
  EXPECT_TRUE(std::all_of(host(*v), host(*v) + 4097, [](unsigned char b) { return b == 0; }));
  EXPECT_EQ(v->label, "table");
  space().release(a->base);
  space().release(v->base);
}

TEST(AddressSpace, AllocationsKeepTheirDistance) {
  std::vector<Allocation> all;
  for (std::uint64_t size : {1u, 255u, 256u, 257u, 100000u})
    all.push_back(*space().allocate(size, Kind::Device));
  for (const Allocation& a : all) {
    for (std::uint64_t gap = 1; gap <= 512; gap++) {
      EXPECT_FALSE(space().find(a.base - gap));
      EXPECT_FALSE(space().find(a.base + a.size + gap - 1));
    }
    EXPECT_EQ(space().find(a.base)->id, a.id);
    EXPECT_EQ(space().find(a.base + a.size - 1)->id, a.id);
    EXPECT_TRUE(space().release(a.base));
  }
}

TEST(AddressSpace, FreedAddressesAreNotReusedAndAreNamed) {
  const auto a = space().allocate(4096, Kind::Device);
  EXPECT_TRUE(space().release(a->base));
  EXPECT_FALSE(space().release(a->base)) << "freed twice";
  EXPECT_FALSE(space().find(a->base));
  const auto b = space().allocate(4096, Kind::Device);
  EXPECT_NE(a->base, b->base);
  EXPECT_TRUE(space().nearest(a->base + 10)->freed);
  EXPECT_NE(describe(a->base + 16, 4).find("has been freed"), std::string::npos) << describe(a->base + 16, 4);
  EXPECT_FALSE(space().release(b->base + 1)) << "not a base";
  EXPECT_TRUE(space().release(b->base));
}

TEST(AddressSpace, AddressesAreReusedOnceTheRangeIsUsedUp) {
  const std::uint64_t capacity = space().capacity();
  space().set_capacity(std::uint64_t{400} << 30);
  for (int i = 0; i < 6; i++) {
    const auto a = space().allocate(std::uint64_t{300} << 30, Kind::Device);
    ASSERT_TRUE(a) << i;
    host(*a)[0] = 1;
    EXPECT_TRUE(space().release(a->base));
  }
  const auto v = space().allocate(1 << 20, Kind::ModuleVariable, "again");
  ASSERT_TRUE(v);
  EXPECT_TRUE(std::all_of(host(*v), host(*v) + (1 << 20), [](unsigned char b) { return b == 0; }));
  space().release(v->base);
  space().set_capacity(capacity);
}

TEST(AddressSpace, CapacityIsTheDevices) {
  const std::uint64_t capacity = space().capacity(), used = space().used();
  space().set_capacity(used + (1 << 20));
  EXPECT_FALSE(space().allocate((1 << 20) + 1, Kind::Device));
  const auto a = space().allocate(1 << 20, Kind::Device);
  EXPECT_TRUE(a);
  EXPECT_FALSE(space().allocate(1, Kind::Device));
  EXPECT_TRUE(space().allocate(1, Kind::Pinned)) << "pinned memory is the host's";
  EXPECT_EQ(space().used(), used + (1 << 20));
  space().release(a->base);
  EXPECT_EQ(space().used(), used);
  space().set_capacity(capacity);
  EXPECT_FALSE(space().allocate(~std::uint64_t{0}, Kind::Device));
}

TEST(AddressSpace, PinnedAndAdoptedMemoryKeepItsHostAddress) {
  const auto p = space().allocate(100, Kind::Pinned);
  EXPECT_EQ(p->delta, 0);
  *reinterpret_cast<int*>(p->base) = 5;
  EXPECT_EQ(space().find(p->base)->kind, Kind::Pinned);
  EXPECT_TRUE(space().release(p->base));

  std::vector<char> mine(64);
  const auto at = reinterpret_cast<Address>(mine.data());
  EXPECT_FALSE(space().find(at));
  space().adopt(mine.data(), mine.size());
  EXPECT_EQ(space().find(at + 63)->delta, 0);
  EXPECT_FALSE(space().find(at + 64));
  EXPECT_FALSE(space().release(at)) << "not ours to free";
  space().forget(mine.data());
  EXPECT_FALSE(space().find(at));
}

TEST(AddressSpace, MessagesMeasureFromTheNearestAllocation) {
  const auto a = space().allocate(1024, Kind::Device);
  const std::string name = "allocation " + std::to_string(a->id) + " (1024 bytes at 0x";
  const auto says = [&](Address at, std::uint64_t size, const char* what) {
    const std::string text = describe(at, size);
    EXPECT_NE(text.find(what), std::string::npos) << text;
    EXPECT_NE(text.find(name), std::string::npos) << text;
  };
  says(a->base + 1028, 4, "is 4 bytes past the end of");
  says(a->base + 1024, 4, "is just past the end of");
  says(a->base - 8, 4, "is 8 bytes before the start of");
  says(a->base + 1020, 8, "but 8 bytes from there run 4 bytes past its end");
  says(a->base + 1, 1, "is 1 byte into");
  EXPECT_NE(describe(8, 4).find("null pointer"), std::string::npos);
  EXPECT_NE(describe(space().windows().shared + 4, 4).find("shared window"), std::string::npos);
  int local = 0;
  EXPECT_NE(describe(reinterpret_cast<Address>(&local), 4).find("not device memory"), std::string::npos);
  space().release(a->base);
}

TEST(AddressSpace, WindowsLieInTheRangeAndHoldNoAllocation) {
  const Windows& w = space().windows();
  for (Address a : {w.shared, w.local, w.param}) {
    EXPECT_TRUE(space().is_device_range(a));
    EXPECT_TRUE(space().is_device_range(a + Windows::size - 1));
    EXPECT_FALSE(space().find(a));
  }
}

TEST(AddressSpace, ManyThreadsMayAllocateAndLookUp) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([] {
      for (int i = 0; i < 2000; i++) {
        const auto a = space().allocate(64 + i % 100, Kind::Device);
        const auto found = space().find(a->base + 63);
        ASSERT_TRUE(found);
        ASSERT_EQ(found->id, a->id);
        ASSERT_TRUE(space().release(a->base));
      }
    });
  }
  for (std::thread& t : threads) t.join();
}

TEST(AddressSpaceDeathTest, TheHostCannotFollowADevicePointer) {
  const auto a = space().allocate(4, Kind::Device);
  EXPECT_DEATH(*reinterpret_cast<volatile int*>(a->base) = 1, "");
}

}  // namespace
}  // namespace ptxvm::memory
