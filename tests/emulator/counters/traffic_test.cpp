// Memory traffic of small kernels, counted on paper.
#include <gtest/gtest.h>

#include "support.hpp"
#include "support/error.hpp"

namespace {

using namespace counters_test;

constexpr Shape kWarp{{1}, {32}};

// A warp that loads or stores at buffer + start + stride * i.
count::Kernel strided(const std::string& instruction, unsigned stride, unsigned start = 0) {
  static const Buffer buffer(std::vector<u32>(1 << 14, 0));
  return counted(kernel_text(1, ".reg .b64 %v<4>; .reg .b32 %w<4>; .reg .f32 %f;\nmov.b32 %w0, 0; mov.b32 %w1, 0;\n"
                                "mov.b32 %w2, 0; mov.b32 %w3, 0;\nmad.wide.u32 %at, %i, " + std::to_string(stride) +
                                ", %q0;\nadd.u64 %at, %at, " + std::to_string(start) + ";\n" + instruction + "\n"),
                 kWarp, {buffer.address()});
}

void expect(const count::Traffic& t, u64 requests, u64 bytes, u64 sectors, const char* what) {
  EXPECT_EQ(t.requests, requests) << what;
  EXPECT_EQ(t.bytes, bytes) << what;
  EXPECT_EQ(t.sectors, sectors) << what;
}

TEST(Traffic, StridedLoads) {
  for (const unsigned floats : {1u, 2u, 4u, 8u, 32u}) {
    const auto k = strided("ld.global.b32 %w0, [%at];", 4 * floats);
    expect(k.memory.global_load, 1, 128, std::min(32u, 4 * floats), "load");
    expect(k.memory.global_store, 0, 0, 0, "store");
    EXPECT_EQ(k.unique.bytes_read, 128u);
    EXPECT_EQ(k.unique.sectors_read, std::min(32u, 4 * floats));
    EXPECT_EQ(k.unique.bytes_written, 0u);
  }
}

TEST(Traffic, BroadcastAsksMoreThanItTouches) {
  const auto k = strided("ld.global.b32 %w0, [%at];", 0);
  expect(k.memory.global_load, 1, 128, 1, "load");
  EXPECT_EQ(k.unique.bytes_read, 4u);
}

TEST(Traffic, MisalignedStart) {
  expect(strided("ld.global.b32 %w0, [%at];", 4, 4).memory.global_load, 1, 128, 5, "4 bytes off");
  expect(strided("st.global.b32 [%at], %w0;", 4, 28).memory.global_store, 1, 128, 5, "28 bytes off");
}

TEST(Traffic, WideAccesses) {
  expect(strided("ld.global.b64 %v0, [%at];", 8).memory.global_load, 1, 256, 8, "8 bytes");
  expect(strided("ld.global.v4.b32 {%w0, %w1, %w2, %w3}, [%at];", 16).memory.global_load, 1, 512, 16, "16 bytes");
  expect(strided("st.global.v2.b32 [%at], {%w0, %w1};", 8).memory.global_store, 1, 256, 8, "2 x 4 bytes");
  expect(strided("ld.global.u8 %w0, [%at];", 1).memory.global_load, 1, 32, 1, "bytes");
}

TEST(Traffic, OnlyLanesThatRun) {
  const auto k = strided("{.reg .pred %p; setp.lt.u32 %p, %i, 3; @%p ld.global.b32 %w0, [%at];}", 32);
  expect(k.memory.global_load, 1, 12, 3, "three lanes");
  const auto none = strided("{.reg .pred %p; setp.lt.u32 %p, %i, 0; @%p ld.global.b32 %w0, [%at];}", 32);
  expect(none.memory.global_load, 0, 0, 0, "no lane");
}

TEST(Traffic, BytesReadAgainAreUniqueOnce) {
  const auto k = strided("ld.global.b32 %w0, [%at];\nld.global.b32 %w1, [%at];\nld.global.b32 %w1, [%at+64];", 4);
  expect(k.memory.global_load, 3, 384, 12, "loads");
  EXPECT_EQ(k.unique.bytes_read, 192u) << "the third overlaps by half";
  EXPECT_EQ(k.unique.sectors_read, 6u);
}

TEST(Traffic, BytesWrittenFirstAreNotRead) {
  const auto k = strided("st.global.b32 [%at], %w0;\nld.global.b32 %w1, [%at];", 4);
  EXPECT_EQ(k.unique.bytes_written, 128u);
  EXPECT_EQ(k.unique.bytes_read, 0u);
  const auto in_place = strided("ld.global.b32 %w1, [%at];\nst.global.b32 [%at], %w0;", 4);
  EXPECT_EQ(in_place.unique.bytes_written, 128u);
  EXPECT_EQ(in_place.unique.bytes_read, 128u);
}

TEST(Traffic, OverlappingBlocksShareWhatTheyTouch) {
  const Buffer buffer(std::vector<u32>(4096, 0));
  // Every block reads the same 256 bytes, then its own 128 bytes.
  const auto k = counted(kernel_text(1, R"(
.reg .b32 %t, %w;
mov.u32 %t, %tid.x;
mad.wide.u32 %at, %t, 8, %q0;
ld.global.b32 %w, [%at];
ld.global.b32 %w, [%at+4];
mad.wide.u32 %at, %i, 4, %q0;
st.global.b32 [%at+1024], %w;
)"), {{16}, {32}}, {buffer.address()});
  expect(k.memory.global_load, 32, 32 * 128, 32 * 8, "loads");
  expect(k.memory.global_store, 16, 16 * 128, 16 * 4, "stores");
  EXPECT_EQ(k.unique.bytes_read, 256u);
  EXPECT_EQ(k.unique.bytes_written, 16u * 128);
}

TEST(Traffic, AtomicsBySpace) {
  const auto k = strided(
      ".shared .align 4 .b32 s[32];\n.reg .b32 %a, %own, %old; mov.b32 %a, s;\nmad.lo.u32 %own, %i, 4, %a;\n"
      "st.shared.b32 [%own], %w0;\nbar.warp.sync 0xffffffff;\nred.global.add.u32 [%at], 1;\n"
      "atom.global.add.u32 %old, [%q0], 1;\natom.shared.add.u32 %old, [%a], 1;\n"
      "red.shared.add.u32 [%own], 1;", 4);
  expect(k.memory.atomics, 2, 256, 5, "global");
  EXPECT_EQ(k.memory.shared_atomics.requests, 2u);
  EXPECT_EQ(k.memory.shared_atomics.wavefronts, 32u + 1);
  EXPECT_EQ(k.memory.shared_atomics.conflicts(), 31u);
  EXPECT_EQ(k.classes[int(count::Class::Atomic)], 4u);
  EXPECT_EQ(k.unique.bytes_read, 128u);
  EXPECT_EQ(k.unique.bytes_written, 128u);
}

// A warp that stores to and loads from shared memory at stride * i.
count::Kernel shared(unsigned stride, const std::string& store, const std::string& load) {
  return counted(kernel_text(0, ".shared .align 16 .b8 s[4608];\n.reg .b32 %a, %w<4>; .reg .b64 %v;\nmov.b32 %a, s;\n"
                                "mov.b64 %v, 0; mov.b32 %w0, 0; mov.b32 %w1, 0; mov.b32 %w2, 0; mov.b32 %w3, 0;\n"
                                "mad.lo.u32 %a, %i, " + std::to_string(stride) + ", %a;\n" + store + "\nbar.warp.sync 0xffffffff;\n" + load + "\n"),
                 kWarp, {});
}

TEST(Traffic, BankConflicts) {
  for (const unsigned ways : {1u, 2u, 4u, 8u, 16u, 32u}) {
    const auto k = shared(4 * ways, "st.shared.b32 [%a], %w0;", "ld.shared.b32 %w1, [%a];");
    EXPECT_EQ(k.memory.shared_store.wavefronts, ways);
    EXPECT_EQ(k.memory.shared_load.wavefronts, ways);
    EXPECT_EQ(k.memory.shared_load.conflicts(), ways - 1);
    EXPECT_EQ(k.memory.shared_load.bytes, 128u);
  }
  const auto wide = shared(16, "st.shared.v4.b32 [%a], {%w0, %w1, %w2, %w3};", "ld.shared.b64 %v, [%a];");
  EXPECT_EQ(wide.memory.shared_store.wavefronts, 4u);
  EXPECT_EQ(wide.memory.shared_store.conflicts(), 0u);
  EXPECT_EQ(wide.memory.shared_load.wavefronts, 4u);
  EXPECT_EQ(wide.memory.shared_load.conflicts(), 2u);
  const auto broadcast = shared(0, "st.shared.b32 [%a], %w0;", "ld.shared.b32 %w1, [%a];");
  EXPECT_EQ(broadcast.memory.shared_load.wavefronts, 1u);
  EXPECT_EQ(broadcast.memory.shared_store.wavefronts, 1u);
}

TEST(Traffic, GenericAddressesCountWhereTheyPoint) {
  const auto k = strided(
      ".shared .align 4 .b32 s[32];\n.reg .b64 %g, %mixed; .reg .pred %p; cvta.shared.u64 %g, s;\n"
      "setp.lt.u32 %p, %i, 8;\nst.b32 [%g], %w0;\nbar.warp.sync 0xffffffff;\nld.b32 %w0, [%at];\nselp.b64 %mixed, %g, %at, %p;\nld.b32 %w0, [%mixed];", 4);
  EXPECT_EQ(k.memory.shared_store.requests, 1u);
  EXPECT_EQ(k.memory.shared_load.requests, 1u);
  EXPECT_EQ(k.memory.shared_load.bytes, 8u * 4);
  expect(k.memory.global_load, 2, 128 + 24 * 4, 4 + 3, "loads");
  EXPECT_EQ(k.classes[int(count::Class::Generic)], 3u);
}

TEST(Traffic, LocalMemory) {
  const auto k = strided(".local .align 16 .b8 mine[64];\n.reg .b64 %l; mov.u64 %l, mine;\nst.local.b32 [%l], %w0;\n"
                         "st.local.v4.b32 [%l+16], {%w0, %w1, %w2, %w3};\nld.local.b32 %w0, [%l+16];", 4);
  expect(k.memory.local_store, 2, 128 + 512, 4 + 16, "stores");
  expect(k.memory.local_load, 1, 128, 4, "loads");
  expect(k.memory.global_load, 0, 0, 0, "global");
}

TEST(Traffic, ConstantMemory) {
  const auto k = counted(kernel_text(0, ".reg .f32 %f; ld.const.f32 %f, [c];", ".const .align 4 .f32 c = 0f3f800000;"), kWarp, {});
  EXPECT_EQ(k.memory.constant_load.requests, 1u);
  EXPECT_EQ(k.unique.bytes_read, 0u);
}

// One block raises a flag that the other waits for: however often it asks, waiting is not traffic.
TEST(Traffic, PollsAreNoTraffic) {
  const Buffer buffer(std::vector<u32>(64, 0));
  const auto k = counted(kernel_text(1, R"(
.reg .pred %p, %first; .reg .b32 %b, %w, %n;
mov.u32 %b, %ctaid.x;
setp.eq.u32 %first, %b, 0;
@%first bra WAIT;
mov.u32 %n, 0;
SPEND:
add.u32 %n, %n, 1;
setp.lt.u32 %p, %n, 5000;
@%p bra SPEND;
st.release.gpu.global.u32 [%q0], 1;
bra END;
WAIT:
ld.acquire.gpu.global.u32 %w, [%q0];
setp.eq.u32 %p, %w, 0;
@%p bra WAIT;
END:
)"), {{2}, {1}}, {buffer.address()});
  expect(k.memory.global_load, 1, 4, 1, "the flag");
  expect(k.memory.global_store, 1, 4, 1, "the flag");
}

TEST(Traffic, LinesNameTheInstruction) {
  const count::Wish json = count::wish("json:out.json"), lines = count::wish("lines"), none = count::wish("");
  EXPECT_EQ(json.form, count::Wish::Form::Json);
  EXPECT_EQ(json.file, "out.json");
  EXPECT_EQ(lines.form, count::Wish::Form::Lines);
  EXPECT_EQ(none.form, count::Wish::Form::None);
  EXPECT_THROW(count::wish("yes"), ptxvm::Error);
  EXPECT_THROW(count::wish("table:"), ptxvm::Error);
}

}  // namespace
