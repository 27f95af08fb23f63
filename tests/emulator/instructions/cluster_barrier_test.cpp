// barrier.cluster in every form, its misuse, and setmaxnreg; where the blocks of a cluster run.
#include <functional>
#include <set>

#include "ptx/ast.hpp"
#include "seeds.hpp"
#include "tables.hpp"

namespace instruction_test {
namespace {

constexpr u32 blocks = 4, threads = 72;
const Shape shape{{2 * blocks, 1, 1}, {threads, 1, 1}, 0, {blocks, 1, 1}, true};
const std::string memory = ".shared .align 4 .b8 sh[512];\n";
const std::vector<std::string> arrivals = {"barrier.cluster.arrive", "barrier.cluster.arrive.aligned", "barrier.cluster.arrive.release",
                                           "barrier.cluster.arrive.release.aligned"};
const std::vector<std::string> waits = {"barrier.cluster.wait", "barrier.cluster.wait.aligned", "barrier.cluster.wait.acquire",
                                        "barrier.cluster.wait.acquire.aligned"};

// %rs: this thread's word in the next block's memory. Rounds in which each thread hands its number on, increased.
std::string ring(const std::string& before, const std::string& arrive, const std::string& wait) {
  std::string text =
      ".reg .b32 %me, %rank, %s, %rs, %v, %n;\n.reg .pred %p;\nmov.u32 %me, %tid.x;\nmov.u32 %rank, %cluster_ctarank;\n"
      "add.u32 %n, %rank, 1;\nrem.u32 %n, %n, 4;\nmov.u32 %s, sh;\nmad.lo.u32 %s, %me, 4, %s;\nmapa.shared::cluster.u32 %rs, %s, %n;\n"
      "mov.u32 %v, %i;\n" + before + arrive + ";\n" + wait + ";\nmov.u32 %n, 0;\nROUND:\n"
      "st.shared::cluster.u32 [%rs], %v;\n" + before + arrive + ";\n" + wait + ";\nld.shared.u32 %v, [%s];\nadd.u32 %v, %v, 1;\n" +
      before + arrive + ";\n" + wait + ";\nadd.u32 %n, %n, 1;\nsetp.lt.u32 %p, %n, 3;\n@%p bra ROUND;\nmov.u32 %d, %v;\n";
  return text;
}
void expect_ring(const std::string& text) {
  SCOPED_TRACE(text);
  const auto got = values(text, shape, memory);
  for (u32 i = 0; i < got.size(); i++) {
    const u32 block = i / threads, from = block / blocks * blocks + (block % blocks + blocks - 3) % blocks;
    ASSERT_EQ(got[i], from * threads + i % threads + 3) << i;
  }
}

TEST(ClusterBarrier, EveryFormLetsEverybodySeeWhatWasStoredBefore) {
  for (const int seed : {1, 4}) {
    const WithSeed with(seed);
    for (const std::string& arrive : arrivals)
      for (const std::string& wait : waits) expect_ring(ring("", arrive, wait));
    // A relaxed arrival orders what a fence before it has made visible.
    for (const std::string arrive : {"barrier.cluster.arrive.relaxed", "barrier.cluster.arrive.relaxed.aligned"})
      for (const std::string& wait : waits) expect_ring(ring("fence.acq_rel.cluster;\n", arrive, wait));
  }
  if (!checks_races()) return;
  for (const std::string arrive : {"barrier.cluster.arrive.relaxed", "barrier.cluster.arrive.relaxed.aligned"}) {
    const Buffer out(4 * shape.grid.count() * threads);
    const Fault fault = fault_of(kernel_text(1, ".reg .b32 %d;\n" + ring("", arrive, "barrier.cluster.wait"), memory), shape, {out.address()});
    EXPECT_NE(fault.message.find("race"), std::string::npos) << fault.message;
  }
}

// Each thread by itself: lanes of a warp part between arrival and wait, and threads that exit are not waited for.
TEST(ClusterBarrier, CountsThreads) {
  const auto got = values(".reg .b32 %me, %n;\n.reg .pred %p, %q;\nmov.u32 %me, %tid.x;\nmov.u32 %d, 0;\n"
                          "rem.u32 %n, %me, 3;\nsetp.eq.u32 %p, %n, 0;\n@%p bra A;\nadd.u32 %d, %d, 1;\nbarrier.cluster.arrive;\n"
                          "add.u32 %d, %d, 10;\nbra B;\nA:\nadd.u32 %d, %d, 2;\nbarrier.cluster.arrive.relaxed;\nB:\n"
                          "@%p barrier.cluster.wait;\n@!%p barrier.cluster.wait;\nadd.u32 %d, %d, 100;\n"
                          "setp.lt.u32 %q, %me, 40;\n@%q bra C;\nmad.wide.u32 %at, %i, 4, %q0;\nst.global.u32 [%at], %d;\nexit;\nC:\n"
                          "barrier.cluster.arrive;\nbarrier.cluster.wait;\nadd.u32 %d, %d, 1000;\n", shape);
  for (u32 i = 0; i < got.size(); i++) {
    const u32 me = i % threads;
    EXPECT_EQ(got[i], (me % 3 == 0 ? 2u : 11u) + 100 + (me < 40 ? 1000 : 0)) << i;
  }
}

// Several phases, with work of one's own between arrival and wait; nobody is more than one phase ahead.
TEST(ClusterBarrier, NobodyIsAPhaseAhead) {
  const Buffer counts(std::vector<u32>(2 * 16));
  const auto got = values(
      ".reg .b32 %n, %c, %all, %bad;\n.reg .b64 %a;\n.reg .pred %p, %q;\nmov.u32 %n, 0;\nmov.u32 %d, 0;\n"
      "div.u32 %c, %block, 4;\nmad.wide.u32 %a, %c, 64, %q1;\nROUND:\n"
      "red.relaxed.gpu.global.add.u32 [%a], 1;\nbarrier.cluster.arrive.release;\nbarrier.cluster.wait.acquire;\n"
      "ld.relaxed.gpu.global.u32 %c, [%a];\nadd.u32 %all, %n, 1;\nmul.lo.u32 %all, %all, 288;\n"
      "setp.lt.u32 %p, %c, %all;\nadd.u32 %all, %all, 288;\nsetp.gt.or.u32 %p, %c, %all, %p;\nselp.u32 %bad, 1, 0, %p;\n"
      "add.u32 %d, %d, %bad;\nadd.u32 %n, %n, 1;\nsetp.lt.u32 %q, %n, 16;\n@%q bra ROUND;\n",
      shape, "", {counts.address()});
  for (u32 i = 0; i < got.size(); i++) EXPECT_EQ(got[i], 0u) << i;
}

TEST(ClusterBarrier, MisuseIsNamed) {
  struct Wrong {
    std::string text, says;
  };
  const std::string first = ".reg .pred %p;\nsetp.eq.u32 %p, %i, 80;\n";
  for (const Wrong& wrong : std::vector<Wrong>{
           {"barrier.cluster.wait;\n", "barrier.cluster.wait by a thread that has not arrived"},
           {first + "barrier.cluster.arrive;\n@%p barrier.cluster.arrive;\nbarrier.cluster.wait;\n",
            "barrier.cluster.arrive by a thread that has arrived already and not waited"},
           {first + "@!%p barrier.cluster.arrive;\nbarrier.cluster.wait.aligned;\n", "thread (8,0,0)"},
           {"barrier.cluster.arrive;\nbarrier.cluster.wait;\nbarrier.cluster.wait;\n", "has not arrived"},
           {first + "@%p bra E;\nbarrier.cluster.arrive;\nbarrier.cluster.wait;\nE:\nbar.sync 0;\n", "deadlock"},
           {"barrier.cluster.arrive.acquire;\n", "unknown modifier .acquire"},
           {"barrier.cluster.wait.release;\n", "unknown modifier .release"},
           {"barrier.cluster.wait.relaxed;\n", "unknown modifier .relaxed"},
           {"barrier.cluster.sync;\n", "unknown barrier"},
           {"barrier.cluster.arrive 0;\n", "expected no operands"}}) {
    const Fault fault = fault_of(kernel_text(0, wrong.text), shape, {});
    EXPECT_NE(fault.message.find(wrong.says), std::string::npos) << wrong.text << fault.message;
    EXPECT_NE(fault.message.find("PTX line"), std::string::npos) << fault.message;
  }
}

void run_on(const ptxvm::exec::MachineLimits& limits, const std::string& text, const Shape& s, u64 out) {
  ptxvm::exec::Request request;
  request.program = ptxvm::exec::Program::load(ptxvm::ptx::parse(text), "test");
  request.kernel = "k";
  request.grid = s.grid, request.block = s.block, request.cluster = s.cluster, request.explicit_cluster = true;
  request.parameters.resize(sizeof out);
  std::memcpy(request.parameters.data(), &out, sizeof out);
  ptxvm::exec::run(request, limits);
}

// What another block stored before its arrival at an mbarrier, for those who wait there; and the mbarrier itself.
TEST(ClusterMbarrier, OrdersWhatItsScopesReach) {
  struct Way {
    std::string arrive, wait, init = "fence.mbarrier_init.release.cluster;\n";
    bool right = false;
  };
  const std::string fence = "fence.acq_rel.cluster;\n", arrive = "mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%rb];\n",
                    relaxed = "mbarrier.arrive.relaxed.cluster.shared::cluster.b64 _, [%rb];\n";
  const auto wait = [](const std::string& sem) { return "W:\nmbarrier.try_wait.parity" + sem + ".shared::cta.b64 %p, [bar], 0;\n@!%p bra W;\n"; };
  const std::string init = "fence.mbarrier_init.release.cluster;\n";
  for (const Way& way : std::vector<Way>{
           {arrive, wait(".acquire.cluster"), init, true},
           {fence + relaxed, wait(".acquire.cluster"), init, true},
           {arrive, wait(".relaxed.cluster") + fence, init, true},
           {fence + relaxed, wait(".relaxed.cluster") + fence, init, true},
           {"mbarrier.arrive.expect_tx.release.cluster.shared::cluster.b64 _, [%rb], 0;\n", wait(".acquire.cluster"), init, true},
           {"mbarrier.arrive_drop.release.cluster.shared::cluster.b64 _, [%rb];\n", wait(".acquire.cluster"), init, true},
           {arrive, wait(".acquire.cluster"), fence, true},  // a fence of every kind of access does too
           {relaxed, wait(".acquire.cluster")},
           {arrive, wait(".relaxed.cluster")},
           {"mbarrier.arrive.release.cta.shared::cluster.b64 _, [%rb];\n", wait(".acquire.cluster")},
           {arrive, wait(".acquire.cta")},
           {"mbarrier.arrive.shared::cluster.b64 _, [%rb];\n", wait("")},  // the scope is .cta where none is named
           {"fence.acq_rel.cta;\n" + relaxed, wait(".acquire.cluster")},
           {arrive, wait(".relaxed.cluster") + "fence.acq_rel.cta;\n"},
           {arrive, wait(".acquire.cluster"), ""}}) {
    const Buffer out(4 * 4 * 64);
    const Shape s{{4, 1, 1}, {64, 1, 1}, 0, {2, 1, 1}, true};
    const std::string text =
        ".reg .b32 %me, %rank, %s, %rs, %rb, %d;\n.reg .pred %p;\nmov.u32 %me, %tid.x;\nmov.u32 %rank, %cluster_ctarank;\n"
        "xor.b32 %rank, %rank, 1;\nmov.u32 %s, sh;\nmad.lo.u32 %s, %me, 4, %s;\nmapa.shared::cluster.u32 %rs, %s, %rank;\n"
        "mov.u32 %rb, bar;\nmapa.shared::cluster.u32 %rb, %rb, %rank;\nsetp.eq.u32 %p, %me, 0;\n@%p mbarrier.init.shared.b64 [bar], 64;\n" +
        way.init + "barrier.cluster.arrive.relaxed;\nbarrier.cluster.wait;\nst.shared::cluster.u32 [%rs], %i;\n" + way.arrive + way.wait +
        "xor.b32 %s, %s, 4;\nld.shared.u32 %d, [%s];\nmad.wide.u32 %at, %i, 4, %q0;\nst.global.u32 [%at], %d;\n"
        "barrier.cluster.arrive;\nbarrier.cluster.wait;\n";
    const Fault fault = fault_of(kernel_text(1, text, memory + ".shared .align 8 .b64 bar;\n"), s, {out.address()});
    if (checks_races() && !way.right) {
      EXPECT_EQ(fault.message.rfind("race: ", 0), 0u) << way.init << way.arrive << way.wait << fault.message;
      continue;
    }
    ASSERT_EQ(fault.message, "") << way.init << way.arrive << way.wait;
    const auto got = out.read<u32>(4 * 64);
    for (u32 i = 0; i < got.size(); i++) ASSERT_EQ(got[i], (i ^ 64) ^ 1) << way.arrive << way.wait;
  }
}

// Who uses an mbarrier must know of its initialisation, and who stores to its memory of all that was done with it.
TEST(ClusterMbarrier, ItsMemoryIsHandedOver) {
  const auto message = [](const std::string& before, const std::string& after) {
    return fault_of(kernel_text(0, ".reg .b32 %me;\n.reg .pred %p, %q;\nmov.u32 %me, %tid.x;\nsetp.eq.u32 %p, %me, 0;\nsetp.eq.u32 %q, %me, 33;\n"
                                   "@%p mbarrier.init.shared.b64 [bar], 64;\n" + before + "mbarrier.arrive.shared.b64 _, [bar];\n" + after +
                                   "@%q mbarrier.inval.shared.b64 [bar];\n@%q st.shared.u32 [bar], 5;\n", ".shared .align 8 .b64 bar;\n"),
                    {{1, 1, 1}, {64, 1, 1}}, {}).message;
  };
  EXPECT_EQ(message("bar.sync 0;\n", "bar.sync 0;\n"), "");
  if (!checks_races()) return;
  EXPECT_EQ(message("", "bar.sync 0;\n").rfind("race: ", 0), 0u);
  EXPECT_EQ(message("bar.sync 0;\n", "").rfind("race: ", 0), 0u);
}

// Blocks of a cluster lie in one GPC, on multiprocessors of their own where it has enough; each is used.
TEST(ClusterBarrier, ClustersLieInOneGpc) {
  const std::vector<u32> gpcs = {16, 16, 10, 2};
  for (const u32 size : {1u, 2u, 4u, 8u, 16u}) {
    ptxvm::exec::MachineLimits limits;
    limits.gpcs = gpcs;
    limits.multiprocessors = 44;
    const u32 count = 8 * 44 / size * size;
    const Buffer out(4 * count);
    Shape s{{count, 1, 1}, {1, 1, 1}, 0, {size, 1, 1}, true};
    run_on(limits, kernel_text(1, ".reg .b32 %d;\nmov.u32 %d, %smid;\nmad.wide.u32 %at, %i, 4, %q0;\nst.global.u32 [%at], %d;\n"), s, out.address());
    const auto got = out.read<u32>(count);
    const auto gpc = [&](u32 sm) {
      u32 g = 0;
      while (g < gpcs.size() && sm >= gpcs[g]) sm -= gpcs[g++];
      return g;
    };
    std::set<u32> used;
    for (u32 c = 0; c < count / size; c++) {
      std::set<u32> own;
      for (u32 r = 0; r < size; r++) {
        const u32 sm = got[c * size + r];
        ASSERT_LT(gpc(sm), gpcs.size()) << sm;
        EXPECT_EQ(gpc(sm), gpc(got[c * size])) << "cluster " << c << " of " << size;
        own.insert(sm), used.insert(gpc(sm));
      }
      EXPECT_EQ(own.size(), std::min<std::size_t>(size, gpcs[gpc(got[c * size])]));
    }
    EXPECT_EQ(used.size(), gpcs.size());
  }
  for (const u32 n : values("mov.u32 %d, %nsmid;\n", {{2, 1, 1}, {32, 1, 1}})) EXPECT_EQ(n, 132u);
}

std::string accelerated(std::string text) { return text.replace(text.find("sm_90"), 5, "sm_90a"); }
std::string registers_fault(const std::string& body, u32 threads, const std::string& directive = "") {
  std::string text = accelerated(kernel_text(0, ".reg .b32 %w;\n.reg .pred %p, %q;\nmov.u32 %w, %tid.x;\nsetp.lt.u32 %p, %w, 128;\nshr.b32 %w, %w, 5;\n"
                                                "setp.eq.u32 %q, %w, 1;\n" + body));
  const std::size_t brace = text.find("{\n.reg");
  return fault_of(text.insert(brace, directive), {{2, 1, 1}, {threads, 1, 1}}, {}).message;
}

TEST(Registers, AreHandedOverWithoutChangingAnything) {
  // A producer gives, consumers take, as in kernels whose warps have roles; every count that is allowed.
  for (u32 count = 24; count <= 256; count += 8) {
    const std::string n = std::to_string(count);
    const Buffer out(4 * 512);
    run(accelerated(kernel_text(1, ".reg .b32 %w, %d;\n.reg .pred %p;\nmov.u32 %w, %tid.x;\nsetp.lt.u32 %p, %w, 128;\nmul.lo.u32 %d, %i, 7;\n@%p bra A;\n"
                                   "setmaxnreg.inc.sync.aligned.u32 " + n + ";\nadd.u32 %d, %d, 1;\nbra B;\nA:\nsetmaxnreg.dec.sync.aligned.u32 " + n +
                                   ";\nadd.u32 %d, %d, 2;\nB:\nmad.wide.u32 %at, %i, 4, %q0;\nst.global.u32 [%at], %d;\n")),
        {{2, 1, 1}, {256, 1, 1}}, {out.address()});
    const auto got = out.read<u32>(512);
    for (u32 i = 0; i < 512; i++) ASSERT_EQ(got[i], i * 7 + (i % 256 < 128 ? 2 : 1)) << i;
  }
  EXPECT_EQ(registers_fault("@%p setmaxnreg.dec.sync.aligned.u32 64;\nbar.sync 0;\n@%p setmaxnreg.dec.sync.aligned.u32 64;\nbar.sync 0;\n"
                            "setmaxnreg.inc.sync.aligned.u32 96;\n", 256, ".maxnreg 80\n"), "");
}

TEST(Registers, WhatTheIsaLeavesUndefinedIsAtFault) {
  struct Wrong {
    std::string text, says;
    u32 threads = 256;
    std::string directive = "";
  };
  const std::string dec = "setmaxnreg.dec.sync.aligned.u32 ", inc = "setmaxnreg.inc.sync.aligned.u32 ";
  for (const Wrong& wrong : std::vector<Wrong>{
           {dec + "16;", "no multiple of 8 from 24 to 256"},
           {dec + "264;", "no multiple of 8 from 24 to 256"},
           {inc + "100;", "no multiple of 8 from 24 to 256"},
           {dec + "%w;", "expected a number"},
           {"setmaxnreg.dec.aligned.u32 40;", "unknown form"},
           {"setmaxnreg.set.sync.aligned.u32 40;", "unknown form"},
           {"setmaxnreg.inc.sync.aligned.b32 40;", "unknown form"},
           {dec + "40;", "of 6, which is in no warpgroup of four", 192},
           {"@%q bra A;\n" + dec + "40;\nbra B;\nA:\n" + dec + "48;\nB:\n", "of its warpgroup has executed another, PTX line"},
           {"@%q exit;\n" + dec + "40;\n", "was executed by warp 0 and not by warp 1 of its warpgroup"},
           {dec + "40;\n" + dec + "32;\n", "has yet to come to the one before"},
           {dec + "40;\nbar.sync 0;\n" + dec + "48;\n", "decreases to 48 registers, of 40"},
           {inc + "240;\nbar.sync 0;\n" + inc + "232;\n", "increases to 232 registers, of 240"},
           {dec + "40;\n", "decreases to 40 registers, of 32", 128, ".maxnreg 32\n"},
           {"setp.eq.u32 %q, %i, 5;\n@%q bra E;\n" + dec + "40;\nE:\nbar.warp.sync 0xffffffff;\n", "deadlock", 128}}) {
    const std::string text = registers_fault(wrong.text, wrong.threads, wrong.directive);
    EXPECT_NE(text.find(wrong.says), std::string::npos) << wrong.text << "\n" << text;
    EXPECT_NE(text.find("PTX line"), std::string::npos) << text;
  }
  const Fault plain = fault_of(kernel_text(0, dec + "40;\n"), {{1, 1, 1}, {128, 1, 1}}, {});
  EXPECT_NE(plain.message.find("a target like sm_90a"), std::string::npos) << plain.message;
}

}  // namespace
}  // namespace instruction_test
