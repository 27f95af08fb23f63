// cp.async: sizes, partial and ignored sources, groups, arrivals at an mbarrier, and when the bytes move.
#include <functional>

#include "seeds.hpp"
#include "tables.hpp"

namespace instruction_test {
namespace {

constexpr u32 threads = 96;
const Shape shape{{2, 1, 1}, {threads, 1, 1}};
const std::string memory = ".shared .align 16 .b8 data[6144];\n.shared .align 8 .b64 bar;\n";

std::vector<u8> noise(std::size_t bytes) {
  std::vector<u8> v(bytes);
  for (u8& x : v) x = u8(generator()());
  return v;
}

// 64 bytes of shared memory a thread, filled with 0x55: `before`, then the copy of the thread's 16 bytes at
// %from to %to, `between`, and the 64 bytes are written out.
std::vector<u8> copied(const std::string& copy, const std::string& wait, const std::vector<u8>& from,
                       u64 more = 0) {
  const Buffer in(from), out(2 * threads * 64);
  std::string body =
      ".reg .b32 %to, %x, %n, %me, %odd;\n.reg .b64 %from, %out, %policy;\n.reg .pred %p, %q, %none;\n"
      "mov.u32 %me, %tid.x;\nmov.u32 %to, data;\nmad.lo.u32 %to, %me, 64, %to;\nmad.wide.u32 %from, %i, 16, "
      "%q0;\n"
      "mad.wide.u32 %out, %i, 64, %q1;\ncvt.u32.u64 %x, %q2;\nrem.u32 %n, %i, 17;\nand.b32 %odd, %i, 1;\n"
      "setp.eq.u32 %p, %odd, 1;\nsetp.ne.u32 %none, %odd, %odd;\ncreatepolicy.fractional.L2::evict_first.b64 "
      "%policy, 0.5;\n";
  for (int k = 0; k < 16; k++) body += "st.shared.u32 [%to+" + std::to_string(4 * k) + "], 0x55555555;\n";
  body += copy + "\n" + wait + "\n";
  for (int k = 0; k < 16; k++) {
    const std::string at = std::to_string(4 * k);
    body += "ld.shared.u32 %x, [%to+" + at + "];\nst.global.u32 [%out+" + at + "], %x;\n";
  }
  run(kernel_text(3, body, memory), shape, {in.address(), out.address(), more});
  return out.read<u8>(2 * threads * 64);
}

// read(thread) bytes are copied, zeros follow up to `size`, then what was there before.
void expect(const std::string& copy, u32 size, u32 at, const std::function<u32(u32)>& read,
            bool takes_part(u32) = nullptr) {
  const auto from = noise(2 * threads * 16);
  for (const int seed : {1, 2, 7}) {
    SCOPED_TRACE(copy + " seed " + std::to_string(seed));
    const WithSeed with(seed);
    const auto got = copied(copy, "cp.async.wait_all;", from);
    for (u32 i = 0; i < 2 * threads; i++)
      for (u32 k = 0; k < 64; k++) {
        u8 wanted = 0x55;
        if (k >= at && k < at + size && (!takes_part || takes_part(i)))
          wanted = k - at < read(i) ? from[i * 16 + k - at] : 0;
        ASSERT_EQ(int(got[i * 64 + k]), int(wanted)) << "thread " << i << " byte " << k;
      }
  }
}

TEST(AsyncCopy, EverySizeAndHint) {
  for (const std::string space : {".shared", ".shared::cta"})
    for (const std::string hint :
         {"", ".L2::64B", ".L2::128B", ".L2::256B", ".L2::cache_hint", ".L2::cache_hint.L2::128B"})
      for (const u32 size : {4u, 8u, 16u})
        for (const std::string cache : {".ca", ".cg"}) {
          if (cache == ".cg" && size != 16) continue;
          const std::string policy = hint.find("hint") != std::string::npos ? ", %policy" : "";
          expect("cp.async" + cache + space + ".global" + hint + " [%to+16], [%from], " +
                     std::to_string(size) + policy + ";",
                 size, 16, [=](u32) { return size; });
        }
}

TEST(AsyncCopy, APartOfTheSourceAndZeros) {
  for (const u32 size : {4u, 8u, 16u}) {
    const std::string n = std::to_string(size);
    for (const u32 read : {0u, 1u, 3u, size})
      expect("cp.async.ca.shared.global [%to], [%from], " + n + ", " + std::to_string(read) + ";", size, 0,
             [=](u32) { return read; });
    expect("min.u32 %n, %n, " + n + ";\ncp.async.ca.shared.global [%to+32], [%from], " + n + ", %n;", size,
           32, [=](u32 i) { return std::min(i % 17, size); });
    expect("cp.async.ca.shared.global [%to], [%from], " + n + ", %p;", size, 0,
           [=](u32 i) { return i % 2 ? 0 : size; });
    expect("cp.async.ca.shared.global.L2::cache_hint [%to], [%from], " + n + ", %none, %policy;", size, 0,
           [=](u32) { return size; });
    expect(
        "@%p cp.async.ca.shared.global [%to], [%from], " + n + ";", size, 0, [=](u32) { return size; },
        [](u32 i) { return i % 2 == 1; });
  }
  // A source that is not read may be anywhere.
  expect("@%p mov.u64 %from, 3;\ncp.async.cg.shared.global [%to], [%from], 16, %p;", 16, 0,
         [](u32 i) { return i % 2 ? 0u : 16u; });
}

// What the checker says of a program that misses a wait.
std::string complaint(const std::function<void()>& program) {
  try {
    program();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "none";
}

// Four groups, in lanes that commit at different places; what is seen after each wait, early and late.
TEST(AsyncCopy, GroupsCompleteInOrder) {
  const auto from = noise(2 * threads * 16);
  const std::string copies =
      "cp.async.ca.shared.global [%to], [%from], 4;\n@%p bra ODD;\ncp.async.commit_group;\nbra BOTH;\nODD:\n"
      "cp.async.commit_group;\nBOTH:\ncp.async.ca.shared.global [%to+16], [%from+4], "
      "4;\ncp.async.commit_group;\n"
      "cp.async.commit_group;\ncp.async.ca.shared.global [%to+32], [%from+8], 4;\ncp.async.commit_group;\n"
      "cp.async.ca.shared.global [%to+48], [%from+12], 4;\n";
  // the groups hold the words 0, 1, none and 2; word 3 is in none
  const std::vector<std::pair<std::string, u32>> waits = {{"", 0},
                                                          {"cp.async.wait_group 4;", 0},
                                                          {"cp.async.wait_group 3;", 1},
                                                          {"cp.async.wait_group 2;", 2},
                                                          {"cp.async.wait_group 1;", 2},
                                                          {"cp.async.wait_group 0;", 3},
                                                          {"cp.async.wait_all;", 4}};
  for (const auto& [wait, complete] : waits)
    for (const int seed : {1, 2}) {
      const WithSeed with(seed);
      if (checks_races() && complete < 4) {
        EXPECT_EQ(complaint([&w = wait, &copies, &from] { copied(copies, w, from); }).rfind("race: ", 0), 0u)
            << wait;
        continue;
      }
      const auto got = copied(copies, wait, from);
      for (u32 i = 0; i < 2 * threads; i++)
        for (u32 word = 0; word < 4; word++) {
          u32 seen, wanted = 0x55555555;
          std::memcpy(&seen, &got[i * 64 + word * 16], 4);
          if (seed == 2 || word < complete) std::memcpy(&wanted, &from[i * 16 + word * 4], 4);
          ASSERT_EQ(seen, wanted) << wait << " seed " << seed << " thread " << i << " word " << word;
        }
    }
}

// The source is read when the copy is performed: what a thread stores behind the copy is seen late, not
// early.
TEST(AsyncCopy, TheSourceIsReadWhenTheBytesMove) {
  const auto from = noise(2 * threads * 16);
  for (const int seed : {1, 2}) {
    const WithSeed with(seed);
    const std::string racing = "cp.async.ca.shared.global [%to], [%from], 4;\nst.global.u32 [%from], 77;";
    if (checks_races()) {
      EXPECT_EQ(complaint([&] { copied(racing, "cp.async.wait_all;", from); }).rfind("race: ", 0), 0u);
      continue;
    }
    const auto got = copied(racing, "cp.async.wait_all;", from);
    for (u32 i = 0; i < 2 * threads; i++) {
      u32 seen, old;
      std::memcpy(&seen, &got[i * 64], 4);
      std::memcpy(&old, &from[i * 16], 4);
      ASSERT_EQ(seen, seed == 1 ? 77 : old) << "thread " << i;
    }
  }
}

// Each thread's copies arrive; then every thread may read every other's bytes.
TEST(AsyncCopy, ArrivalsAtAnMbarrier) {
  const auto from = noise(2 * threads * 16);
  for (const std::string space : {".shared", ".shared::cta", ""})
    for (const bool increment : {true, false})
      for (const int seed : {1, 2, 5}) {
        const WithSeed with(seed);
        const std::string at = space.empty() ? "[%gen]" : "[bar]";
        const u32 expected = increment ? threads : 2 * threads;
        const auto got = copied(
            ".reg .b64 %gen, %state;\nmov.u64 %gen, bar;\ncvta.shared.u64 %gen, %gen;\nsetp.eq.u32 %q, %me, "
            "0;\n"
            "@%q mbarrier.init.shared.b64 [bar], " +
                std::to_string(expected) +
                ";\nbar.sync 0;\n"
                "cp.async.cg.shared.global [%to], [%from], 16;\n"
                "cp.async.mbarrier.arrive" +
                (increment ? "" : ".noinc") + space + ".b64 " + at + ";\n" +
                (checks_races() ? "" : "cp.async.ca.shared.global [%to+16], [%from], 4;\n") +
                "mbarrier.arrive.shared.b64 %state, [bar];\n",
            "WAIT:\nmbarrier.try_wait.shared.b64 %q, [bar], %state;\n@!%q bra WAIT;\n"
            "sub.u32 %x, " +
                std::to_string(threads - 1) + ", %me;\nmov.u32 %to, data;\nmad.lo.u32 %to, %x, 64, %to;\n",
            from);
        for (u32 i = 0; i < 2 * threads; i++) {
          const u32 other = i / threads * threads + threads - 1 - i % threads;
          ASSERT_EQ(std::memcmp(&got[i * 64], &from[other * 16], 16), 0)
              << "thread " << i << " seed " << seed;
          if (seed == 1) {
            ASSERT_EQ(int(got[i * 64 + 16]), 0x55) << "a copy behind the arrival is no part of it";
          }
        }
      }
}

TEST(AsyncCopy, WhatIsWrongIsNamed) {
  const auto from = noise(2 * threads * 16);
  struct Wrong {
    const char *text, *says;
  };
  for (const Wrong& wrong : std::vector<Wrong>{
           {"cp.async.ca.shared.global [%to+4], [%from], 8;", "misaligned: shared address"},
           {"cp.async.ca.shared.global [%to], [%from+4], 16;", "misaligned: global address"},
           {"cp.async.ca.shared.global [%to], [%from+3072], 16;", "out of bounds: read of 16 bytes"},
           {"cp.async.ca.shared.global [%to+6144], [%from], 16;", "out of bounds: write to 16 bytes"},
           {"cp.async.ca.shared.global [%to], [%from], 8, 9;", "of 8 bytes with a source of 9"},
           {"cp.async.mbarrier.arrive.shared.b64 [bar];", "never initialised"},
           {"cp.async.ca.shared.global [%to], [%from], 2;", "PTX line"},
           {"cp.async.cg.shared.global [%to], [%from], 8;", "PTX line"},
           {"cp.async.ca.global.shared [%from], [%to], 8;", "PTX line"},
           {"cp.async.bulk.tensor.1d.shared::cluster.global.mbarrier::complete_tx::bytes [%to], [%from], "
            "[bar];",
            "tensors"},
           {"cp.async.wait_group %n;", "PTX line"}}) {
    try {
      copied(wrong.text, "", from);
      ADD_FAILURE() << wrong.text << " runs";
    } catch (const std::exception& error) {
      EXPECT_NE(std::string(error.what()).find(wrong.says), std::string::npos) << wrong.text << "\n"
                                                                               << error.what();
    }
  }
}

}  // namespace
}  // namespace instruction_test
