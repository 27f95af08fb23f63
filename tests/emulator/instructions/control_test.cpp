// Branches, calls, barriers, special registers, and that everyone gets on.
#include <ctime>

#include "tables.hpp"

namespace instruction_test {
namespace {

const Shape shape{{3, 1, 1}, {96, 1, 1}};

TEST(Control, NestedLoops) {
  // the sum over a < i % 13 of (a * b for b <= a), each lane with bounds of its own
  const auto got = values(
      ".reg .b32 %n, %a, %b;\n.reg .pred %p;\nrem.u32 %n, %i, 13;\nmov.u32 %a, 0;\nOUTER:\n"
      "setp.ge.u32 %p, %a, %n;\n@%p bra DONE;\nmov.u32 %b, 0;\nINNER:\nmad.lo.u32 %d, %a, %b, %d;\n"
      "add.u32 %b, %b, 1;\nsetp.le.u32 %p, %b, %a;\n@%p bra INNER;\nadd.u32 %a, %a, 1;\nbra.uni OUTER;\n"
      "DONE:\n",
      shape);
  for (u32 i = 0; i < got.size(); i++) {
    u32 sum = 0;
    for (u32 a = 0; a < i % 13; a++)
      for (u32 b = 0; b <= a; b++) sum += a * b;
    ASSERT_EQ(got[i], sum) << i;
  }
}

// Steps of the 3n+1 problem: a branch in a loop, both taken differently by each lane.
TEST(Control, BranchesInALoop) {
  const auto got = values(
      ".reg .b32 %n, %o;\n.reg .pred %p;\nadd.u32 %n, %i, 1;\nLOOP:\nsetp.eq.u32 %p, %n, 1;\n"
      "@%p bra DONE;\nand.b32 %o, %n, 1;\nsetp.eq.u32 %p, %o, 0;\n@%p bra EVEN;\n"
      "mad.lo.u32 %n, %n, 3, 1;\nbra NEXT;\nEVEN:\nshr.u32 %n, %n, 1;\nNEXT:\nadd.u32 %d, %d, 1;\n"
      "bra LOOP;\nDONE:\n",
      shape);
  for (u32 i = 0; i < got.size(); i++) {
    u32 steps = 0;
    for (u32 n = i + 1; n != 1; steps++) n = n % 2 ? 3 * n + 1 : n / 2;
    ASSERT_EQ(got[i], steps) << i;
  }
}

// Grids run one after another: nothing to wait for, nobody to let go early.
TEST(Control, DependentGrids) {
  const auto got = values("griddepcontrol.wait;\nmov.u32 %d, %i;\ngriddepcontrol.launch_dependents;\n", shape);
  for (u32 i = 0; i < got.size(); i++) ASSERT_EQ(got[i], i);
  EXPECT_NE(fault_of(kernel_text(1, "griddepcontrol.later;"), shape, {0}).status, 0);
}

// Warps that go from barrier to barrier without a branch between are no deadlock.
TEST(Control, BarriersInARow) {
  for (const u32 warps : {2u, 3u, 8u}) {
    std::string body = ".shared .align 4 .b8 s[4096];\n.reg .b32 %t, %x, %n;\nmov.u32 %t, %tid.x;\nmov.u32 %n, %ntid.x;\n"
                       "mov.u32 %d, %t;\n";
    // each time every thread takes the number of the thread 33 further
    for (int k = 0; k < 13; k++)
      body += "shl.b32 %x, %t, 2;\nst.shared.u32 [%x], %d;\nbar.sync 0;\nadd.u32 %x, %t, 33;\nrem.u32 %x, %x, %n;\n"
              "shl.b32 %x, %x, 2;\nld.shared.u32 %d, [%x];\nbar.sync 0;\n";
    const auto got = values(body, {{2, 1, 1}, {32 * warps, 1, 1}});
    for (u32 i = 0; i < got.size(); i++) ASSERT_EQ(got[i], (i + 13 * 33) % (32 * warps)) << warps;
  }
}

TEST(Control, BranchByTable) {
  const std::string cases =
      "A:\nmov.u32 %d, 10;\nbra DONE;\nB:\nmov.u32 %d, 20;\nbra DONE;\nC:\nmov.u32 %d, 30;\nDONE:\n";
  const auto got = values(
      ".reg .b32 %n;\nrem.u32 %n, %i, 4;\ntargets: .branchtargets A, C, B, A;\nbrx.idx %n, targets;\n" +
          cases,
      shape);
  for (u32 i = 0; i < got.size(); i++) ASSERT_EQ(got[i], (std::array<u32, 4>{10, 30, 20, 10})[i % 4]);
  const auto same = values(
      ".reg .b32 %n;\nmov.u32 %n, 2;\ntargets: .branchtargets A, C, B, A;\nbrx.idx.uni %n, targets;\n" +
          cases,
      shape);
  for (const u32 d : same) ASSERT_EQ(d, 20u);
}

const std::string functions =
    ".func (.param .b32 r) twice(.param .b32 x)\n{\n.reg .b32 %x;\nld.param.u32 %x, [x];\n"
    "shl.b32 %x, %x, 1;\nst.param.b32 [r], %x;\nret;\n}\n"
    ".func (.param .align 8 .b8 r[16]) swap(.param .align 8 .b8 s[16], .param .u8 c)\n{\n"
    ".reg .b64 %x, %y;\n.reg .b32 %c;\n.reg .pred %p;\nld.param.v2.u64 {%x, %y}, [s];\n"
    "ld.param.u8 %c, [c];\nsetp.eq.u32 %p, %c, 0;\n@%p bra KEEP;\nst.param.u64 [r], %y;\n"
    "st.param.u64 [r+8], %x;\nret;\nKEEP:\nst.param.u64 [r], %x;\nst.param.u64 [r+8], %y;\nret;\n}\n"
    ".func (.param .b32 r) inc(.param .b32 x)\n{\n.reg .b32 %x;\nld.param.u32 %x, [x];\n"
    "add.u32 %x, %x, 1;\nst.param.b32 [r], %x;\nret;\n}\n";

std::string call_one(const std::string& target, const std::string& more = "") {
  return "{\n.param .b32 arg;\n.param .b32 res;\nst.param.b32 [arg], %n;\ncall.uni (res), " + target +
         ", (arg)" + more + ";\nld.param.b32 %d, [res];\n}\n";
}

TEST(Control, Calls) {
  auto got = values(
      ".reg .b32 %n;\nadd.u32 %n, %i, 5;\n" + call_one("twice") + "mov.u32 %n, %d;\n" + call_one("twice"),
      shape, functions);
  for (u32 i = 0; i < got.size(); i++) ASSERT_EQ(got[i], 4 * (i + 5));
  // by some lanes only
  got = values(
      ".reg .b32 %n;\n.reg .pred %p;\nand.b32 %n, %i, 3;\nsetp.eq.u32 %p, %n, 2;\nadd.u32 %n, %i, 5;\n"
      "mov.u32 %d, %n;\n@%p bra PAST;\n" +
          call_one("twice") + "PAST:\n",
      shape, functions);
  for (u32 i = 0; i < got.size(); i++) ASSERT_EQ(got[i], (i % 4 == 2 ? 1 : 2) * (i + 5));
  // structures by value, an early return in some lanes
  got = values(
      ".reg .b32 %n;\n.reg .b64 %x, %y;\nand.b32 %n, %i, 1;\nadd.u64 %x, %j, 100;\n"
      "add.u64 %y, %j, 1000;\n{\n.param .align 8 .b8 s[16];\n.param .b32 c;\n.param .align 8 .b8 r[16];\n"
      "st.param.u64 [s], %x;\nst.param.u64 [s+8], %y;\nst.param.b8 [c], %n;\ncall (r), swap, (s, c);\n"
      "ld.param.u64 %x, [r];\nld.param.u64 %y, [r+8];\n}\nshl.b64 %y, %y, 1;\nadd.u64 %x, %x, %y;\n"
      "cvt.u32.u64 %d, %x;\n",
      shape, functions);
  for (u32 i = 0; i < got.size(); i++)
    ASSERT_EQ(got[i], i % 2 ? (i + 1000) + 2 * (i + 100) : (i + 100) + 2 * (i + 1000));
}

TEST(Control, CallsThroughPointers) {
  const auto got = values(
      ".reg .b32 %n;\n.reg .b64 %f, %g;\n.reg .pred %p;\nand.b32 %n, %i, 1;\nsetp.eq.u32 %p, %n, 0;\n"
      "mov.u64 %f, twice;\nmov.u64 %g, inc;\nselp.b64 %f, %f, %g, %p;\nadd.u32 %n, %i, 5;\n"
      "proto: .callprototype (.param .b32 _) _ (.param .b32 _);\n{\n.param .b32 arg;\n.param .b32 res;\n"
      "st.param.b32 [arg], %n;\ncall (res), %f, (arg), proto;\nld.param.b32 %d, [res];\n}\n",
      shape, functions);
  for (u32 i = 0; i < got.size(); i++) ASSERT_EQ(got[i], i % 2 ? i + 6 : 2 * (i + 5));
}

// Local variables of a caller and its callee are apart.
TEST(Control, LocalVariablesOfFrames) {
  const auto got = values(
      ".local .align 8 .b8 mine[64];\n.reg .b64 %a;\n.reg .b32 %n;\nmov.u64 %a, mine;\n"
      "st.local.u32 [%a], %i;\nadd.u32 %n, %i, 1;\n" +
          call_one("keeps") + "ld.local.u32 %n, [%a];\nmad.lo.u32 %d, %d, 1000, %n;\n",
      {{1, 1, 1}, {64, 1, 1}},
      ".func (.param .b32 r) keeps(.param .b32 x)\n{\n.local .align 8 .b8 own[64];\n.reg .b64 %a;\n"
      ".reg .b32 %x;\nmov.u64 %a, own;\nld.param.u32 %x, [x];\nst.local.u32 [%a], %x;\n"
      "st.local.u32 [%a+60], 7;\nld.local.u32 %x, [%a];\nst.param.b32 [r], %x;\nret;\n}\n");
  for (u32 i = 0; i < got.size(); i++) ASSERT_EQ(got[i], 1000 * (i + 1) + i);
}

TEST(Control, LanesThatEndEarly) {
  const Buffer out(std::vector<u32>(96, 1));
  run(kernel_text(1,
                  ".reg .pred %p;\n.reg .b32 %x;\nmad.wide.u32 %at, %i, 4, %q0;\nand.b32 %x, %i, 3;\n"
                  "setp.eq.u32 %p, %x, 1;\n@%p exit;\nsetp.ge.u32 %p, %i, 64;\n@%p ret;\nbar.sync 0;\n"
                  "st.global.u32 [%at], %i;"),
      {{1, 1, 1}, {96, 1, 1}}, {out.address()});
  const auto got = out.read<u32>(96);
  for (u32 i = 0; i < 96; i++) ASSERT_EQ(got[i], i % 4 == 1 || i >= 64 ? 1u : i);
}

// Each round every thread reads what another warp's thread wrote in the round before.
TEST(Control, BarriersInALoop) {
  for (const std::string barrier : {"bar.sync 0;", "barrier.sync 3;", "barrier.sync.aligned 1, 96;",
                                    "bar.sync 2, 96;", "bar.cta.sync 5;", "barrier.cta.sync 4, 96;"}) {
    const auto got = values(
        ".shared .align 4 .b8 sh[384];\n.reg .b32 %t, %n, %v;\n.reg .b64 %a, %b;\n.reg .pred %p;\n"
        "mov.u32 %t, %tid.x;\nmov.u64 %a, sh;\nmad.wide.u32 %a, %t, 4, %a;\nadd.u32 %n, %t, 37;\n"
        "rem.u32 %n, %n, 96;\nmov.u64 %b, sh;\nmad.wide.u32 %b, %n, 4, %b;\nmov.u32 %d, %t;\n"
        "mov.u32 %n, 0;\nLOOP:\nst.shared.u32 [%a], %d;\n" +
            barrier + "\nld.shared.u32 %v, [%b];\n" + barrier +
            "\nadd.u32 %d, %v, 1;\nadd.u32 %n, %n, 1;\nsetp.lt.u32 %p, %n, 20;\n@%p bra LOOP;\n",
        shape);
    for (u32 i = 0; i < got.size(); i++) ASSERT_EQ(got[i], (i % 96 + 37 * 20) % 96 + 20) << barrier;
  }
}

// One warp produces, another consumes, by two named barriers of 64 threads.
TEST(Control, ArriveAndSync) {
  const auto got = values(
      ".shared .align 4 .u32 box;\n.reg .b32 %t, %n;\n.reg .pred %p, %lead;\nmov.u32 %t, %tid.x;\n"
      "mov.u32 %n, 0;\nsetp.lt.u32 %p, %t, 32;\nsetp.eq.u32 %lead, %t, 0;\n@%p bra PRODUCE;\nCONSUME:\n"
      "bar.sync 1, 64;\nld.shared.u32 %t, [box];\nadd.u32 %d, %d, %t;\nbar.arrive 2, 64;\n"
      "add.u32 %n, %n, 1;\nsetp.lt.u32 %p, %n, 10;\n@%p bra CONSUME;\nbra END;\nPRODUCE:\n"
      "mul.lo.u32 %t, %n, %n;\n@%lead st.shared.u32 [box], %t;\nbar.arrive 1, 64;\nbar.sync 2, 64;\n"
      "add.u32 %n, %n, 1;\nsetp.lt.u32 %p, %n, 10;\n@%p bra PRODUCE;\nEND:\n",
      {{2, 1, 1}, {64, 1, 1}});
  for (u32 i = 0; i < got.size(); i++) ASSERT_EQ(got[i], i % 64 < 32 ? 0u : 285u);
}

TEST(Control, BarrierReductions) {
  for (const u32 limit : {0u, 1u, 50u, 96u}) {
    const std::string test =
                          ".reg .b32 %t;\n.reg .pred %p, %q;\nmov.u32 %t, %tid.x;\n"
                          "setp.lt.u32 %p, %t, " +
                          std::to_string(limit) + ";\n",
                      flag = "selp.u32 %d, 1, 0, %q;";
    EXPECT_EQ(values(test + "bar.red.popc.u32 %d, 0, %p;", shape), std::vector<u32>(288, limit));
    EXPECT_EQ(values(test + "bar.red.popc.u32 %d, 0, !%p;", shape), std::vector<u32>(288, 96 - limit));
    EXPECT_EQ(values(test + "bar.red.and.pred %q, 2, %p;\n" + flag, shape),
              std::vector<u32>(288, limit == 96));
    EXPECT_EQ(values(test + "barrier.red.or.pred %q, 1, 96, %p;\n" + flag, shape),
              std::vector<u32>(288, limit > 0));
  }
}

TEST(Control, WarpBarriersAndFences) {
  for (const std::string fence :
       {"membar.cta;", "membar.gl;", "membar.sys;", "fence.acq_rel.cta;", "fence.acq_rel.gpu;",
        "fence.sc.sys;", "fence.acquire.gpu;", "fence.release.gpu;"}) {
    const auto got = values(
        ".shared .align 4 .b8 sh[384];\n.reg .b32 %t;\n.reg .b64 %a;\nmov.u32 %t, %tid.x;\n"
        "mov.u64 %a, sh;\nmad.wide.u32 %a, %t, 4, %a;\nst.shared.u32 [%a], %i;\n" +
            fence +
            "\nbar.warp.sync 0xffffffff;\nxor.b32 %t, %t, 31;\nmov.u64 %a, sh;\n"
            "mad.wide.u32 %a, %t, 4, %a;\nld.shared.u32 %d, [%a];",
        shape);
    for (u32 i = 0; i < got.size(); i++) ASSERT_EQ(got[i], i ^ 31) << fence;
  }
}

// Lanes wait for others of their warp, of their block, and of a later block.
TEST(Control, EveryoneGetsOn) {
  const Buffer flags(std::vector<u32>{0, 0});
  const auto wait = [](const std::string& who, const std::string& at) {
    return "setp.ne.u32 %p, " + who + ";\n@%p bra WAIT;\nmov.u32 %v, 1;\nst.release.gpu.global.u32 [%q1+" +
           at + "], %v;\nWAIT:\nnanosleep.u32 20;\nld.acquire.gpu.global.u32 %v, [%q1+" + at +
           "];\nsetp.eq.u32 %p, %v, 0;\n@%p bra WAIT;\nmov.u32 %d, 3;\n";
  };
  const std::string setup = ".reg .b32 %v, %b;\n.reg .pred %p;\nmov.u32 %b, %ctaid.x;\n";
  EXPECT_EQ(values(setup + wait("%i, 77", "0"), {{1, 1, 1}, {96, 1, 1}}, "", {flags.address()}),
            std::vector<u32>(96, 3));
  EXPECT_EQ(values(setup + wait("%b, 39", "4"), {{40, 1, 1}, {32, 1, 1}}, "", {flags.address()}),
            std::vector<u32>(1280, 3));
}

TEST(Control, SpecialRegisters) {
  const Shape s{{3, 2, 2}, {5, 4, 3}, 64};
  const auto of = [&](const std::string& name) {
    return values(
        ".reg .b32 %l, %t, %u;\nmov.u32 %l, %ctaid.z;\nmov.u32 %t, %nctaid.y;\nmov.u32 %u, %ctaid.y;\n"
        "mad.lo.u32 %l, %l, %t, %u;\nmov.u32 %t, %nctaid.x;\nmov.u32 %u, %ctaid.x;\n"
        "mad.lo.u32 %l, %l, %t, %u;\nmul.lo.u32 %l, %l, 60;\nmov.u32 %t, %tid.z;\n"
        "mad.lo.u32 %l, %t, 20, %l;\nmov.u32 %t, %tid.y;\nmad.lo.u32 %l, %t, 5, %l;\n"
        "mov.u32 %t, %tid.x;\nadd.u32 %l, %l, %t;\nmad.wide.u32 %out, %l, 4, %q0;\nmov.u32 %d, " +
            name + ";",
        s);
  };
  const auto all = [&](const std::string& name, auto wanted) {
    const auto got = of(name);
    for (u32 i = 0; i < got.size(); i++) ASSERT_EQ(got[i], wanted(i / 60, i % 60)) << name << " " << i;
  };
  all("%tid.x", [](u32, u32 t) { return t % 5; });
  all("%tid.y", [](u32, u32 t) { return t / 5 % 4; });
  all("%tid.z", [](u32, u32 t) { return t / 20; });
  all("%ctaid.x", [](u32 b, u32) { return b % 3; });
  all("%ctaid.y", [](u32 b, u32) { return b / 3 % 2; });
  all("%ctaid.z", [](u32 b, u32) { return b / 6; });
  all("%ntid.x", [](u32, u32) { return 5u; });
  all("%ntid.y", [](u32, u32) { return 4u; });
  all("%ntid.z", [](u32, u32) { return 3u; });
  all("%nctaid.x", [](u32, u32) { return 3u; });
  all("%nctaid.y", [](u32, u32) { return 2u; });
  all("%nctaid.z", [](u32, u32) { return 2u; });
  all("%laneid", [](u32, u32 t) { return t % 32; });
  all("%warpid", [](u32, u32 t) { return t / 32; });
  all("%lanemask_eq", [](u32, u32 t) { return 1u << t % 32; });
  all("%lanemask_lt", [](u32, u32 t) { return (1u << t % 32) - 1; });
  all("%lanemask_le", [](u32, u32 t) { return static_cast<u32>((u64{2} << t % 32) - 1); });
  all("%lanemask_gt", [](u32, u32 t) { return ~static_cast<u32>((u64{2} << t % 32) - 1); });
  all("%lanemask_ge", [](u32, u32 t) { return ~((1u << t % 32) - 1); });
  all("%dynamic_smem_size", [](u32, u32) { return 64u; });
  all("WARP_SZ", [](u32, u32) { return 32u; });
  for (const u32 sm : of("%smid")) ASSERT_LT(sm, of("%nsmid")[0]);
}

TEST(Control, ClocksGoOn) {
  for (const std::string clock : {"%clock64", "%globaltimer"})
    for (const u32 d :
         values(".reg .b64 %x, %y;\n.reg .pred %p;\nmov.u64 %x, " + clock + ";\nWAIT:\nmov.u64 %y, " + clock +
                    ";\nsetp.le.u64 %p, %y, %x;\n@%p bra WAIT;\nmov.u32 %d, 1;",
                shape))
      ASSERT_EQ(d, 1u);
}

// Nanoseconds from 1970, by halves too: what libcu++'s system_clock is on a device.
TEST(Control, TheGlobalTimerTellsTheTimeOfDay) {
  const std::string seconds =
      ".reg .b64 %x, %y, %z;\nmov.u64 %x, %globaltimer;\nmov.u32 %d, %globaltimer_hi;\ncvt.u64.u32 %y, %d;\nshr.u64 %z, %x, 32;\n"
      "sub.u64 %y, %y, %z;\ndiv.u64 %x, %x, 1000000000;\nadd.u64 %x, %x, %y;\ncvt.u32.u64 %d, %x;";
  const auto now = static_cast<u32>(std::time(nullptr));
  for (const u32 d : values(seconds, shape)) ASSERT_LE(d - now + 2, 7u) << d << " " << now;
}

// Warps that go from barrier to barrier without a branch between make progress too.
TEST(Control, BarriersInALine) {
  for (const int barriers : {1, 2, 3, 5}) {
    std::string body = ".reg .pred %more;\n.reg .b32 %round;\nmov.u32 %round, 0;\nLOOP:\n";
    for (int n = 0; n < barriers; n++) body += "bar.sync 0;\nadd.u32 %d, %d, 1;\n";
    body += "add.u32 %round, %round, 1;\nsetp.lt.u32 %more, %round, 20;\n@%more bra LOOP;";
    for (const u32 threads : {64u, 128u, 256u})
      for (const u32 value : values(body, {{2, 1, 1}, {threads, 1, 1}})) ASSERT_EQ(value, 20u * static_cast<u32>(barriers));
  }
}

}  // namespace
}  // namespace instruction_test
