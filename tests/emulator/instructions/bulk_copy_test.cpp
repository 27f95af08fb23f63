// Bulk copies and reductions within a block: both directions, every operation and type, groups, faults,
// st.bulk.
#include <functional>

#include "seeds.hpp"
#include "tables.hpp"

namespace instruction_test {
namespace {

const Shape one{{1, 1, 1}, {32, 1, 1}};
const std::string memory = ".shared .align 128 .b8 data[4096];\n.shared .align 8 .b64 bar;\n";
const std::string registers =
    ".reg .b32 %s, %x, %n;\n.reg .b64 %g, %h, %gen, %state, %policy;\n.reg .pred %p, %first;\n.reg .b16 "
    "%mask;\n"
    "mov.u32 %s, data;\nmov.u64 %gen, data;\ncvta.shared.u64 %gen, %gen;\nmov.u64 %g, %q0;\nmov.u64 %h, "
    "%q1;\n"
    "setp.eq.u32 %first, %i, 0;\ncreatepolicy.fractional.L2::evict_last.b64 %policy;\n";
const std::string barrier = "@%first mbarrier.init.shared.b64 [bar], 1;\nbar.sync 0;\n";
const std::string wait = "WAIT:\nmbarrier.try_wait.parity.shared.b64 %p, [bar], 0;\n@!%p bra WAIT;\n";
// Warp 0 writes 4096 bytes between shared memory and the buffer at %h.
const std::string put =
    "mov.u32 %x, 0;\nPUT:\nshl.b32 %n, %i, 2;\nadd.u32 %n, %n, %x;\ncvt.u64.u32 %at, %n;\nadd.u64 %at, %at, "
    "%h;\nadd.u32 %n, %n, %s;\n"
    "ld.shared.u32 %n, [%n];\nst.global.u32 [%at], %n;\nadd.u32 %x, %x, 128;\nsetp.lt.u32 %p, %x, 4096;\n@%p "
    "bra PUT;\n";
const std::string get =
    "mov.u32 %x, 0;\nGET:\nshl.b32 %n, %i, 2;\nadd.u32 %n, %n, %x;\ncvt.u64.u32 %at, %n;\nadd.u64 %at, %at, "
    "%g;\nadd.u32 %n, %n, %s;\n"
    "{\n.reg .b32 %word;\nld.global.u32 %word, [%at];\nst.shared.u32 [%n], %word;\n}\nadd.u32 %x, %x, 128;\n"
    "setp.lt.u32 %p, %x, 4096;\n@%p bra GET;\nfence.proxy.async.shared::cta;\nbar.sync 0;\n";
// The same, of ones.
const std::string fill =
    "mov.u32 %x, 0;\nFILL:\nshl.b32 %n, %i, 2;\nadd.u32 %n, %n, %x;\nadd.u32 %n, %n, %s;\nst.shared.u32 "
    "[%n], 0xffffffff;\n"
    "add.u32 %x, %x, 128;\nsetp.lt.u32 %p, %x, 4096;\n@%p bra "
    "FILL;\nfence.proxy.async.shared::cta;\nbar.sync 0;\n";

std::vector<u8> noise(std::size_t bytes) {
  std::vector<u8> v(bytes);
  for (u8& x : v) x = u8(generator()());
  return v;
}

std::vector<u8> outcome_of(const std::string& body, const std::vector<u8>& from, const std::vector<u8>& to) {
  const Buffer in(from), out(to);
  run(kernel_text(2, registers + body, memory), one, {in.address(), out.address()});
  return out.read<u8>(to.size());
}
Fault fault_in(const std::string& body) {
  const Buffer in(std::vector<u8>(4096)), out(std::vector<u8>(4096));
  return fault_of(kernel_text(2, registers + body, memory), one, {in.address(), out.address()});
}

TEST(BulkCopy, FromGlobalToShared) {
  const auto from = noise(4096);
  for (const int seed : {1, 2, 9})
    for (const std::string to : {".shared::cta", ".shared::cluster"})
      for (const std::string hint : {"", ".L2::cache_hint"})
        for (const u32 bytes : {0u, 16u, 2032u, 4096u}) {
          const WithSeed with(seed);
          const std::string n = std::to_string(bytes);
          const auto got = outcome_of(
              fill + barrier + "@%first mbarrier.arrive.expect_tx.shared.b64 _, [bar], " + n +
                  ";\n@%first cp.async.bulk" + to + ".global.mbarrier::complete_tx::bytes" + hint +
                  " [%s], [%g], " + n + ", [bar]" + (hint.empty() ? "" : ", %policy") + ";\n" + wait + put,
              from, std::vector<u8>(4096));
          for (u32 k = 0; k < 4096; k++)
            ASSERT_EQ(int(got[k]), k < bytes ? int(from[k]) : 0xff) << n << " byte " << k;
        }
}

// Two copies for one phase; without the wait the bytes have not come yet, if they come late.
TEST(BulkCopy, AMissingWaitShows) {
  const auto from = noise(4096);
  const std::string copies =
      fill + barrier +
      "@%first mbarrier.arrive.expect_tx.shared.b64 _, [bar], 4096;\n"
      "@%first cp.async.bulk.shared::cta.global.mbarrier::complete_tx::bytes [%s], [%g], 2048, [bar];\n"
      "@%first cp.async.bulk.shared::cta.global.mbarrier::complete_tx::bytes [%s+2048], [%g+2048], 2048, "
      "[bar];\nbar.sync 0;\n";
  for (const int seed : {1, 2}) {
    const WithSeed with(seed);
    EXPECT_EQ(outcome_of(copies + wait + put, from, std::vector<u8>(4096)), from);
    if (checks_races()) {
      EXPECT_EQ(fault_in(copies + put + wait).message.rfind("race: ", 0), 0u);
      continue;
    }
    const auto got = outcome_of(copies + put + wait, from, std::vector<u8>(4096));
    EXPECT_EQ(got, seed == 2 ? from : std::vector<u8>(4096, 0xff));
  }
}

TEST(BulkCopy, FromSharedToGlobal) {
  const auto from = noise(4096);
  for (const int seed : {1, 2, 9})
    for (const u32 bytes : {16u, 1024u, 4096u}) {
      const WithSeed with(seed);
      const std::string n = std::to_string(bytes);
      for (const std::string& copy :
           {"cp.async.bulk.global.shared::cta.bulk_group [%h], [%s], " + n + ";",
            "cp.async.bulk.global.shared::cta.bulk_group.L2::cache_hint [%h], [%s], " + n + ", %policy;"}) {
        const auto got = outcome_of(
            get + "@%first " + copy + "\ncp.async.bulk.commit_group;\ncp.async.bulk.wait_group 0;\n", from,
            std::vector<u8>(4096, 3));
        for (u32 k = 0; k < 4096; k++) ASSERT_EQ(int(got[k]), k < bytes ? int(from[k]) : 3) << "byte " << k;
      }
      const auto got =
          outcome_of(get +
                         "mov.u16 %mask, 0x8421;\n@%first "
                         "cp.async.bulk.global.shared::cta.bulk_group.cp_mask [%h], [%s], " +
                         n + ", %mask;\ncp.async.bulk.commit_group;\ncp.async.bulk.wait_group.read 0;\n",
                     from, std::vector<u8>(4096, 3));
      for (u32 k = 0; k < 4096; k++)
        ASSERT_EQ(int(got[k]), k < bytes && (0x8421 >> (k % 16) & 1) ? int(from[k]) : 3) << "byte " << k;
    }
}

// wait_group.read: the source may be written again; the destination has the bytes only after wait_group.
TEST(BulkCopy, ReadingAndWritingAreWaitedForApart) {
  const auto from = noise(4096);
  const std::string copy =
      get +
      "@!%first bra DONE;\ncp.async.bulk.global.shared::cta.bulk_group [%h], [%s], "
      "16;\ncp.async.bulk.commit_group;\n"
      "cp.async.bulk.global.shared::cta.bulk_group [%h+16], [%s+16], 16;\ncp.async.bulk.commit_group;\n";
  const std::string after =
      "st.shared.u32 [%s], 1;\nst.shared.u32 [%s+16], 2;\n"
      "ld.global.u32 %x, [%h];\nst.global.u32 [%h+32], %x;\nld.global.u32 %x, [%h+16];\nst.global.u32 "
      "[%h+36], %x;\n"
      "cp.async.bulk.wait_group 0;\nDONE:\n";
  const auto word = [](const std::vector<u8>& v, std::size_t at) {
    u32 w;
    std::memcpy(&w, &v[at], 4);
    return w;
  };
  struct Case {
    const char* wait;
    u32 read, written;  // groups, when they move late
  };
  for (const Case& c : std::vector<Case>{{"", 0, 0},
                                         {"cp.async.bulk.wait_group.read 2;\n", 0, 0},
                                         {"cp.async.bulk.wait_group.read 1;\n", 1, 0},
                                         {"cp.async.bulk.wait_group.read 0;\n", 2, 0},
                                         {"cp.async.bulk.wait_group 1;\n", 1, 1},
                                         {"cp.async.bulk.wait_group 0;\n", 2, 2}})
    for (const int seed : {1, 2}) {
      const WithSeed with(seed);
      if (checks_races() && c.written < 2) {
        EXPECT_EQ(fault_in(copy + c.wait + after).message.rfind("race: ", 0), 0u) << c.wait;
        continue;
      }
      const auto got = outcome_of(copy + c.wait + after, from, std::vector<u8>(64));
      for (u32 group = 0; group < 2; group++) {
        const u32 source = word(from, 16 * group);
        EXPECT_EQ(word(got, 16 * group), seed == 2 || group < c.read ? source : group + 1) << c.wait << seed;
        EXPECT_EQ(word(got, 32 + 4 * group), seed == 2 || group < c.written ? source : 0) << c.wait << seed;
      }
    }
}

TEST(BulkCopy, StoresZeros) {
  const auto from = noise(4096);
  for (const std::string at : {".shared::cta [%s+64]", " [%gen+64]", ".weak.shared::cta [data+64]"}) {
    const auto got =
        outcome_of(get + "mov.u32 %n, 1000;\n@%first st.bulk" + at + ", %n, 0;\nbar.sync 0;\n" + put, from,
                   std::vector<u8>(4096));
    for (u32 k = 0; k < 4096; k++)
      ASSERT_EQ(int(got[k]), k >= 64 && k < 1064 ? 0 : int(from[k])) << at << " byte " << k;
  }
}

TEST(BulkCopy, APrefetchIsAHint) {
  EXPECT_EQ(outcome_of("cp.async.bulk.prefetch.L2.global [%g], "
                       "256;\ncp.async.bulk.prefetch.L2.global.L2::cache_hint [%g], 16, %policy;\n"
                       "prefetch.global.L2 [%g];\n",
                       noise(4096), {1, 2}),
            (std::vector<u8>{1, 2}));
}

TEST(BulkCopy, WhatIsWrongIsNamed) {
  struct Wrong {
    std::string text;
    const char* says;
  };
  const std::string in = "cp.async.bulk.shared::cta.global.mbarrier::complete_tx::bytes ",
                    out = "cp.async.bulk.global.shared::cta.bulk_group ";
  for (const Wrong& wrong : std::vector<Wrong>{
           {"@%first " + in + "[%s], [%g], 24, [bar];", "no multiple of 16"},
           {"@%first " + in + "[%s+8], [%g], 32, [bar];", "misaligned: shared address"},
           {"@%first " + in + "[%s], [%g+8], 32, [bar];", "misaligned: global address"},
           {"@%first " + in + "[%s], [%g+4080], 32, [bar];", "out of bounds: read of 32 bytes at global"},
           {"@%first " + in + "[%s+4096], [%g], 32, [bar];", "out of bounds: write to 32 bytes at shared"},
           {"@%first " + out + "[%h+4080], [%s], 32;", "out of bounds: write to 32 bytes at global"},
           {"@%first cp.async.bulk.prefetch.L2.global [%g], 8;", "no multiple of 16"},
           {in + "[%s], [%g], 16, [bar];\n" + wait, "never initialised"},
           {barrier + "@%first mbarrier.arrive.expect_tx.shared.b64 _, [bar], 16;\n@%first " + in +
                "[%s], [%g], 16, [bar];\n",
            "nobody has waited for the phase"},
           {get + "@%first " + out +
                "[%h], [%s], 16;\ncp.async.bulk.commit_group;\ncp.async.bulk.wait_group 1;",
            "may still read its shared memory"},
           {get + "@%first " + out + "[%h], [%s], 16;", "may still read its shared memory"},
           {"mov.u32 %n, 12;\nst.bulk.shared::cta [%s], %n, 0;", "multiple of 8"},
           {"cp.async.bulk.global.shared::cta.bulk_group.ignore_oob [%h], [%s], 16;", "PTX line"},
           {"cp.async.bulk.shared::cta.shared::cta.mbarrier::complete_tx::bytes [%s], [%s], 16, [bar];",
            "PTX line"},
           {"cp.reduce.async.bulk.global.shared::cta.bulk_group.add.s64 [%h], [%s], 16;",
            "unknown reduction"},
           {"cp.reduce.async.bulk.global.shared::cta.bulk_group.add.f16 [%h], [%s], 16;",
            "unknown reduction"},
           {"cp.reduce.async.bulk.tensor.1d.global.shared::cta.add.tile.bulk_group [%h], [%s];", "tensors"}})
    for (const int seed : {1, 2}) {
      const WithSeed with(seed);
      const Fault fault = fault_in(wrong.text);
      EXPECT_NE(fault.message.find(wrong.says), std::string::npos) << wrong.text << "\n" << fault.message;
      EXPECT_NE(fault.message.find("PTX line"), std::string::npos) << fault.message;
    }
}

}  // namespace
}  // namespace instruction_test
