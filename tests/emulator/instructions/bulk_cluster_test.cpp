// Asynchronous operations between the blocks of a cluster: multicast, shared to shared, st.async, red.async,
// and arrivals at another block's mbarrier.
#include <functional>

#include "seeds.hpp"
#include "tables.hpp"

namespace instruction_test {
namespace {

constexpr u32 blocks = 4, threads = 64;
const Shape shape{{2 * blocks, 1, 1}, {threads, 1, 1}, 0, {blocks, 1, 1}, true};
const std::string memory =
    ".shared .align 128 .b8 data[1024];\n.shared .align 128 .b8 own[1024];\n.shared .align 8 .b64 bar;\n";

// Everybody in the grid meets.
std::string meeting(int number) {
  const std::string n = std::to_string(number);
  return "{\n.reg .b32 %c, %all;\n.reg .pred %go;\nbar.sync 0;\nmov.u32 %all, %nctaid.x;\nmul.lo.u32 %all, "
         "%all, " +
         n + ";\nsetp.ne.u32 %go, %me, 0;\n@%go bra GO" + n +
         ";\nred.release.gpu.global.add.u32 [%q2], 1;\nM" + n +
         ":\nld.acquire.gpu.global.u32 %c, [%q2];\nsetp.ge.u32 %go, %c, %all;\n@!%go bra M" + n + ";\nGO" +
         n + ":\nbar.sync 0;\n}\n";
}

// Block r fills `own` with the words in[256 * block + k] and `data` with zeros; its mbarrier expects
// `arrivals`.
std::string prologue(u32 arrivals) {
  std::string text =
      ".reg .b32 %me, %rank, %peer, %s, %o, %b, %rs, %rb, %x, %y, %n;\n.reg .b64 %g, %h, %w, %z, %gen, "
      "%genbar;\n"
      ".reg .pred %p, %q, %first;\n.reg .b16 %mask;\n"
      "mov.u32 %me, %tid.x;\nmov.u32 %rank, %cluster_ctarank;\nmov.u32 %s, data;\nmov.u32 %o, own;\nmov.u32 "
      "%b, bar;\n"
      "setp.eq.u32 %first, %me, 0;\nadd.u32 %peer, %rank, 1;\nrem.u32 %peer, %peer, " +
      std::to_string(blocks) +
      ";\n"
      "mapa.shared::cluster.u32 %rs, %s, %peer;\nmapa.shared::cluster.u32 %rb, %b, %peer;\n"
      "cvt.u64.u32 %gen, %s;\ncvta.shared.u64 %gen, %gen;\nmapa.u64 %gen, %gen, %peer;\n"
      "cvt.u64.u32 %genbar, %b;\ncvta.shared.u64 %genbar, %genbar;\nmapa.u64 %genbar, %genbar, %peer;\n"
      "mad.wide.u32 %g, %i, 16, %q0;\nmad.wide.u32 %h, %i, 16, %q1;\nmad.lo.u32 %x, %me, 16, %o;\nmad.lo.u32 "
      "%y, %me, 16, %s;\n";
  for (const char* at : {"", "+4", "+8", "+12"})
    text += "ld.global.u32 %n, [%g" + std::string(at) + "];\nst.shared.u32 [%x" + at +
            "], %n;\nst.shared.u32 [%y" + at + "], 0;\n";
  return text + "@%first mbarrier.init.shared.b64 [bar], " + std::to_string(arrivals) +
         ";\nfence.mbarrier_init.release.cluster;\nfence.proxy.async;\n" + meeting(1);
}
const std::string wait =
    "WAIT:\nmbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 %p, [bar], 0;\n@!%p bra WAIT;\n";
// What is in `data` goes to out[256 * block + k].
std::string epilogue(int number = 2) {
  std::string text;
  for (const char* at : {"", "+4", "+8", "+12"})
    text += "ld.shared.u32 %n, [%y" + std::string(at) + "];\nst.global.u32 [%h" + at + "], %n;\n";
  return text + meeting(number);
}

constexpr u32 words = threads * 4;  // of a block
std::vector<u32> noise() {
  std::vector<u32> v(2 * blocks * words);
  for (u32& x : v) x = u32(generator()());
  return v;
}

std::vector<u32> outcome_of(const std::string& body, u32 arrivals, const std::vector<u32>& in,
                            const std::string& end = wait) {
  const Buffer from(in), to(std::vector<u32>(in.size())), counter(std::vector<u32>{0});
  run(kernel_text(3, prologue(arrivals) + body + end + epilogue(), memory), shape,
      {from.address(), to.address(), counter.address()});
  return to.read<u32>(in.size());
}
Fault fault_in(const std::string& body, const Shape& s) {
  const Buffer from(noise()), to(std::vector<u32>(2 * blocks * words)), counter(std::vector<u32>{0});
  return fault_of(kernel_text(3, prologue(1) + body + meeting(2), memory), s,
                  {from.address(), to.address(), counter.address()});
}

// wanted(block, word in it); early, late and drawn.
void expect(const std::string& body, u32 arrivals,
            const std::function<u32(u32, u32, const std::vector<u32>&)>& wanted) {
  for (const int seed : {1, 2, 9}) {
    const WithSeed with(seed);
    const auto in = noise();
    const auto got = outcome_of(body, arrivals, in);
    for (u32 k = 0; k < got.size(); k++)
      ASSERT_EQ(got[k], wanted(k / words, k % words, in))
          << body << "seed " << seed << " block " << k / words << " word " << k % words;
  }
}

u32 before(u32 block) {
  return block / blocks * blocks + (block + blocks - 1) % blocks;
}  // who has it as its peer

const std::string expects_all = "@%first mbarrier.arrive.expect_tx.shared::cta.b64 _, [bar], 1024;\n";

TEST(BulkCluster, MulticastReachesTheBlocksOfTheMask) {
  // Rank 2 sends 512 bytes of its input to ranks 0, 1 and 3, behind their first 256.
  expect(
      "setp.ne.u32 %q, %rank, 2;\n@%q and.pred %q, %first, %first;\n@%q "
      "mbarrier.arrive.expect_tx.shared::cta.b64 _, [bar], 512;\n"
      "setp.eq.u32 %q, %rank, 2;\nand.pred %q, %q, %first;\nmov.u16 %mask, 11;\n"
      "@%q cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%s+256], "
      "[%g], 512, [%b], %mask;\n"
      "@%q mbarrier.arrive.shared::cta.b64 _, [bar];\n",
      1, [](u32 block, u32 word, const std::vector<u32>& in) {
        const u32 sender = block / blocks * blocks + 2;
        return block != sender && word >= 64 && word < 192 ? in[sender * words + word - 64] : 0;
      });
}

TEST(BulkCluster, FromSharedToAnotherBlocksShared) {
  const std::string copy =
      "@%first cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes [%rs], [%o], 1024, "
      "[%rb];\n";
  expect(expects_all + copy, 1,
         [](u32 block, u32 word, const std::vector<u32>& in) { return in[before(block) * words + word]; });
  expect(
      "@%first mbarrier.arrive.expect_tx.shared::cta.b64 _, [bar], 1024;\n"
      "@%first cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%rs], [%g], 1024, [%rb];\n",
      1, [](u32 block, u32 word, const std::vector<u32>& in) { return in[before(block) * words + word]; });
}

struct Operation {
  const char* name;
  std::function<u32(u32, u32)> run;
  u32 start;
};
const std::vector<Operation> operations = {
    {"add.u32", [](u32 a, u32 b) { return a + b; }, 0xfffffff0},
    {"add.s32", [](u32 a, u32 b) { return a + b; }, 0x7fffffff},
    {"min.u32", [](u32 a, u32 b) { return std::min(a, b); }, 0x80000000},
    {"max.u32", [](u32 a, u32 b) { return std::max(a, b); }, 0x80000000},
    {"min.s32", [](u32 a, u32 b) { return u32(std::min(s32(a), s32(b))); }, 5},
    {"max.s32", [](u32 a, u32 b) { return u32(std::max(s32(a), s32(b))); }, 5},
    {"inc.u32", [](u32 a, u32 b) { return a >= b ? 0 : a + 1; }, 0x80000000},
    {"dec.u32", [](u32 a, u32 b) { return a == 0 || a > b ? b : a - 1; }, 0x80000000},
    {"and.b32", [](u32 a, u32 b) { return a & b; }, 0x0ff0f00f},
    {"or.b32", [](u32 a, u32 b) { return a | b; }, 0x0ff0f00f},
    {"xor.b32", [](u32 a, u32 b) { return a ^ b; }, 0x0ff0f00f},
};

// What others reduce into, and another meeting.
std::string started(u32 start) {
  std::string text;
  for (const char* at : {"", "+4", "+8", "+12"})
    text += "st.shared.u32 [%y" + std::string(at) + "], " + std::to_string(start) + ";\n";
  return text + "fence.proxy.async;\n" + meeting(2);
}

TEST(BulkCluster, ReductionsIntoAnotherBlocksShared) {
  for (const Operation& op : operations)
    for (const int seed : {1, 2}) {
      const WithSeed with(seed);
      const auto in = noise();
      const Buffer from(in), to(std::vector<u32>(in.size())), counter(std::vector<u32>{0});
      const std::string text =
          prologue(1) + started(op.start) + expects_all +
          "@%first cp.reduce.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes." + op.name +
          " [%rs], [%o], 1024, [%rb];\n" + wait + epilogue(3);
      run(kernel_text(3, text, memory), shape, {from.address(), to.address(), counter.address()});
      const auto got = to.read<u32>(in.size());
      for (u32 k = 0; k < got.size(); k++)
        ASSERT_EQ(got[k], op.run(op.start, in[before(k / words) * words + k % words]))
            << op.name << " word " << k;
    }
}

TEST(BulkCluster, StoresThatAMbarrierTracks) {
  // Each thread sends 4 words of its input, in as many pieces as the form needs.
  const std::string load =
      ".reg .b32 %a0, %a1, %a2, %a3;\nld.global.v4.u32 {%a0, %a1, %a2, %a3}, [%g];\nmov.b64 %w, {%a0, "
      "%a1};\nmov.b64 %z, {%a2, %a3};\n"
      "mad.lo.u32 %rs, %me, 16, %rs;\ncvt.u64.u32 %at, %me;\nshl.b64 %at, %at, 4;\nadd.u64 %gen, %gen, "
      "%at;\n";
  for (const std::string weak : {"", ".weak"})
    for (const bool generic : {false, true})
      for (const std::vector<std::string>& pieces : std::vector<std::vector<std::string>>{
               {".b32 +0 %a0", ".u32 +4 %a1", ".s32 +8 %a2", ".f32 +12 %a3"},
               {".b64 +0 %w", ".u64 +8 %z"},
               {".s64 +0 %w", ".f64 +8 %z"},
               {".v2.b32 +0 {%a0,%a1}", ".v2.f32 +8 {%a2,%a3}"},
               {".v2.u32 +0 {%a0,%a1}", ".v2.s32 +8 {%a2,%a3}"},
               {".v4.b32 +0 {%a0,%a1,%a2,%a3}"},
               {".v4.f32 +0 {%a0,%a1,%a2,%a3}"},
               {".v2.b64 +0 {%w,%z}"},
               {".v2.u64 +0 {%w,%z}"}}) {
        std::string body = expects_all + load;
        for (const std::string& piece : pieces) {
          const std::size_t one = piece.find(' '), two = piece.rfind(' ');
          const std::string base = generic ? "%gen" : "%rs", bar = generic ? "[%genbar]" : "[%rb]";
          body += "st.async" + weak + (generic ? "" : ".shared::cluster") + ".mbarrier::complete_tx::bytes" +
                  piece.substr(0, one) + " [" + base + piece.substr(one + 1, two - one - 1) + "], " +
                  piece.substr(two + 1) + ", " + bar + ";\n";
        }
        expect(body, 1, [](u32 block, u32 word, const std::vector<u32>& in) {
          return in[before(block) * words + word];
        });
      }
}

// Every thread of every other block of the cluster reduces into the first word of rank 0.
TEST(BulkCluster, ReductionsThatAMbarrierTracks) {
  for (const bool generic : {false, true})
    for (const Operation& op : operations)
      for (const int seed : {1, 2, 9}) {
        const WithSeed with(seed);
        const auto in = noise();
        const Buffer from(in), to(std::vector<u32>(in.size())), counter(std::vector<u32>{0});
        const std::string bytes = std::to_string(4 * (blocks - 1));
        std::string text =
            prologue(1) +
            "mapa.shared::cluster.u32 %rs, %s, 0;\nmapa.shared::cluster.u32 %rb, %b, 0;\n"
            "cvt.u64.u32 %gen, %s;\ncvta.shared.u64 %gen, %gen;\nmapa.u64 %gen, %gen, 0;\n"
            "cvt.u64.u32 %genbar, %b;\ncvta.shared.u64 %genbar, %genbar;\nmapa.u64 %genbar, %genbar, 0;\n"
            "setp.eq.u32 %q, %rank, 0;\nand.pred %q, %q, %first;\n"
            "@%q mbarrier.arrive.expect_tx.shared::cta.b64 _, [bar], " +
            bytes +
            ";\nsetp.ne.u32 %q, %rank, 0;\n"
            "and.pred %q, %q, %first;\n@%q mbarrier.arrive.shared::cta.b64 _, [bar];\nld.global.u32 %x, "
            "[%g];\n"
            "@%q red.async.relaxed.cluster" +
            std::string(generic ? "" : ".shared::cluster") + ".mbarrier::complete_tx::bytes." + op.name +
            (generic ? " [%gen], %x, [%genbar];\n" : " [%rs], %x, [%rb];\n") + wait + epilogue();
        run(kernel_text(3, text, memory), shape, {from.address(), to.address(), counter.address()});
        const auto got = to.read<u32>(in.size());
        for (u32 cluster = 0; cluster < 2; cluster++) {
          // In which order is nobody's promise: any of the six will do.
          std::vector<u32> order = {1, 2, 3};
          bool found = false;
          do {
            u32 value = 0;
            for (const u32 r : order) value = op.run(value, in[(cluster * blocks + r) * words]);
            found |= value == got[cluster * blocks * words];
          } while (std::next_permutation(order.begin(), order.end()));
          EXPECT_TRUE(found) << op.name << " seed " << seed;
        }
      }
}

TEST(BulkCluster, ArrivalsAtAnotherBlocksBarrier) {
  for (const std::string sem : {"", ".release.cluster", ".relaxed.cluster"})
    for (const std::string& way : std::vector<std::string>{
             "mbarrier.arrive" + sem + ".shared::cluster.b64 _, [%rb];\nmbarrier.arrive" + sem +
                 ".b64 _, [%genbar], 2;\n",
             "mbarrier.arrive_drop" + sem + ".shared::cluster.b64 _, [%rb], 3;\n",
             "mbarrier.arrive.expect_tx" + sem +
                 ".shared::cluster.b64 _, [%rb], 80;\nmbarrier.complete_tx.shared::cluster.b64 [%rb], 80;\n"
                 "mbarrier.arrive" +
                 sem + ".shared::cluster.b64 _, [%rb], 2;\n",
             "mbarrier.expect_tx.relaxed.cluster.shared::cluster.b64 [%rb], "
             "8;\nmbarrier.arrive_drop.expect_tx" +
                 sem + ".shared::cluster.b64 _, [%rb], 8;\nmbarrier.arrive" + sem +
                 ".shared::cluster.b64 _, [%rb], 2;\n"
                 "mbarrier.complete_tx.relaxed.cluster.shared::cluster.b64 [%rb], 16;\n"})
      expect(way, 3 * threads, [](u32, u32, const std::vector<u32>&) { return 0; });
}

TEST(BulkCluster, WhatIsWrongIsNamed) {
  struct Wrong {
    std::string text;
    const char* says;
  };
  const std::string bulk = "@%first cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes ";
  for (const Wrong& wrong : std::vector<Wrong>{
           {bulk + "[%s], [%o], 16, [%b];", "another block"},
           {bulk + "[%rs], [%o], 16, [%b];", "the mbarrier must be in the shared memory of the block"},
           {"@%first st.async.shared::cluster.mbarrier::complete_tx::bytes.b32 [%rs], %x, [%b];",
            "the mbarrier must be"},
           {"@%first red.async.relaxed.cluster.shared::cluster.mbarrier::complete_tx::bytes.add.u32 [%s], "
            "%x, [%b];",
            "another block"},
           {"@%first st.async.shared::cluster.mbarrier::complete_tx::bytes.v2.b32 [%rs+4], {%x, %x}, [%rb];",
            "multiple of 8"},
           {"mov.u16 %mask, 16;\n@%first "
            "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%s], "
            "[%g], 16, [%b], %mask;",
            "none of rank 4"},
           {"@%first mbarrier.arrive.shared::cta.b64 _, [%rb];", "only .shared::cluster"},
           {"@%first mbarrier.arrive.b64 %w, [%genbar];", "no result"},
           {"@%first mbarrier.test_wait.parity.b64 %p, [%genbar], 0;", "another block's"},
           {"@%first mbarrier.inval.b64 [%genbar];", "another block's"},
           {"@%first st.async.shared::cluster.mbarrier::complete_tx::bytes.b8 [%rs], %mask, [%rb];",
            "PTX line"},
           {"@%first red.async.relaxed.cluster.shared::cluster.mbarrier::complete_tx::bytes.add.s64 [%rs], "
            "%w, [%rb];",
            "PTX line"}}) {
    const Fault fault = fault_in(wrong.text, shape);
    EXPECT_NE(fault.message.find(wrong.says), std::string::npos) << wrong.text << "\n" << fault.message;
    EXPECT_NE(fault.message.find("PTX line"), std::string::npos) << fault.message;
  }
  const Fault fault = fault_in(
      "@%first mbarrier.expect_tx.relaxed.cta.shared.b64 [bar], 4;\n"
      "@%first st.async.shared::cluster.mbarrier::complete_tx::bytes.b32 [%s], %x, [%b];",
      {{1, 1, 1}, {threads, 1, 1}});
  EXPECT_NE(fault.message.find("cluster of one block"), std::string::npos) << fault.message;
}

}  // namespace
}  // namespace instruction_test
