// mbarrier objects: counts, phases and states against a model, every form, waits, and what is at fault.
#include <random>

#include "machine.hpp"
#include "seeds.hpp"
#include "tables.hpp"

namespace instruction_test {
namespace {

const std::string object = ".shared .align 8 .b64 bar;\n.shared .align 8 .b64 other;\n";
const std::string registers =
    ".reg .b64 %s, %t, %u, %g;\n.reg .pred %p, %q;\n.reg .b32 %x, %y, %z;\nmov.u32 %d, 0;\n";

// PTX ISA, "Contents of the mbarrier object" and what follows it.
struct Model {
  u32 expected, pending;
  s64 bytes = 0;
  u32 phase = 0;
  void settle() {
    if (pending != 0 || bytes != 0) return;
    phase++;
    pending = expected;
  }
};

// One thread, random operations that the ISA defines; after each one the pending count that the operation's
// state holds, and what waits for either parity say.
TEST(Mbarrier, CountsAndPhasesFollowTheModel) {
  std::mt19937 random(5);
  for (int round = 0; round < 4; round++) {
    Model m{u32(3 + round * 1000), u32(3 + round * 1000)};
    std::string text = registers + "mbarrier.init.shared.b64 [bar], " + std::to_string(m.expected) + ";\n";
    std::vector<u32> wanted;
    const auto keep = [&](const std::string& value, u32 is) {
      text += "st.global.u32 [%q1+" + std::to_string(4 * wanted.size()) + "], " + value + ";\n";
      wanted.push_back(is);
    };
    for (int step = 0; step < 150; step++) {
      const u32 before = m.pending, phase = m.phase;
      bool state = false;
      const int kind = int(random() % 7);
      if (kind <= 1 && m.pending > 0) {  // arrive, often with everything that is missing
        const u32 count = random() % 2 ? m.pending : 1 + u32(random() % m.pending);
        text += "mbarrier.arrive.shared::cta.b64 %s, [bar], " + std::to_string(count) + ";\n";
        m.pending -= count, state = true, m.settle();
      } else if (kind == 2 && m.pending > 1) {
        text += "mbarrier.arrive.noComplete.release.cta.shared.b64 %s, [bar], " +
                std::to_string(m.pending - 1) + ";\n";
        m.pending = 1, state = true;
      } else if (kind == 3 && m.pending > 0 && m.expected > 1) {
        text += "mbarrier.arrive_drop.relaxed.cluster.shared.b64 %s, [bar];\n";
        m.expected--, m.pending--, state = true, m.settle();
      } else if (kind == 4 && m.pending > 0 && m.bytes < 500000) {
        const u32 bytes = u32(random() % 300000);
        text += "mbarrier.arrive.expect_tx.shared.b64 %s, [bar], " + std::to_string(bytes) + ";\n";
        m.bytes += bytes, m.pending--, state = true, m.settle();
      } else if (kind == 5) {
        const u32 bytes = m.bytes > 0 && random() % 2 ? u32(m.bytes) : u32(random() % 200000);
        if (m.bytes - s64(bytes) < -1000000) continue;
        text += "mbarrier.complete_tx.shared.b64 [bar], " + std::to_string(bytes) + ";\n";
        m.bytes -= bytes, m.settle();
      } else if (kind == 6) {
        const u32 bytes = m.bytes < 0 ? u32(-m.bytes) : u32(random() % 1000);
        if (m.bytes + bytes > 1000000) continue;
        text += "mbarrier.expect_tx.relaxed.cta.shared.b64 [bar], " + std::to_string(bytes) + ";\n";
        m.bytes += bytes, m.settle();
      } else {
        continue;
      }
      if (state) {
        text += "mbarrier.pending_count.b64 %x, %s;\n";
        keep("%x", before);
        text += "mbarrier.test_wait.shared.b64 %p, [bar], %s;\nselp.u32 %x, 1, 0, %p;\n";
        keep("%x", m.phase != phase);
      }
      for (const u32 parity : {0u, 1u}) {
        text += "mbarrier.test_wait.parity.shared.b64 %p, [bar], " + std::to_string(parity) +
                ";\nselp.u32 %x, 1, 0, %p;\n";
        keep("%x", (m.phase & 1) != parity);
      }
    }
    Buffer out(4), seen(4 * wanted.size());
    run(kernel_text(2, ".reg .b32 %d;\n" + text, object), {{1, 1, 1}, {1, 1, 1}},
        {out.address(), seen.address()});
    const auto got = seen.read<u32>(wanted.size());
    for (std::size_t k = 0; k < wanted.size(); k++)
      ASSERT_EQ(got[k], wanted[k]) << "round " << round << ", value " << k;
    EXPECT_GT(m.phase, 5u);
  }
}

const std::string spin = "WAIT:\n$\n@!%p bra WAIT;\n";
std::string waiting(const std::string& instruction) {
  std::string text = spin;
  return text.replace(text.find('$'), 1, instruction);
}

// Every thread stores, arrives, waits, and reads what another one stored: three phases, each form of wait.
TEST(Mbarrier, EveryFormOfWaitLetsEverybodySeeWhatWasStoredBefore) {
  const Shape shape{{2, 1, 1}, {96, 1, 1}};
  const std::string before = object + ".shared .align 4 .b8 data[384];\n";
  std::vector<std::string> waits;
  for (const std::string name : {"test_wait", "try_wait"})
    for (const std::string sem : {"", ".acquire.cta", ".acquire.cluster", ".relaxed.cta", ".relaxed.cluster"})
      for (const std::string space : {".shared", ".shared::cta", ""}) {
        const std::string at = space.empty() ? "[%g]" : "[bar]", hint = name == "try_wait" ? ", 1000" : "";
        waits.push_back("mbarrier." + name + sem + space + ".b64 %p, " + at + ", %s;");
        waits.push_back("mbarrier." + name + ".parity" + sem + space + ".b64 %p, " + at + ", %y;");
        if (!hint.empty()) {
          waits.push_back("mbarrier." + name + sem + space + ".b64 %p, " + at + ", %s" + hint + ";");
          waits.push_back("mbarrier." + name + ".parity" + sem + space + ".b64 %p, " + at + ", %y" + hint +
                          ";");
        }
      }
  for (const std::string& wait : waits) {
    const std::string body =
        registers +
        ".reg .b32 %self, %peer, %me;\nmov.u32 %me, %tid.x;\nmov.u32 %self, data;\nmad.lo.u32 %self, %me, 4, "
        "%self;\n"
        "sub.u32 %x, 95, %me;\nmov.u32 %peer, data;\nmad.lo.u32 %peer, %x, 4, %peer;\n"
        "mov.u64 %g, bar;\ncvta.shared.u64 %g, %g;\nsetp.eq.u32 %q, %me, 5;\n"
        "@%q mbarrier.init.b64 [%g], 96;\nbar.sync 0;\nmov.u32 %z, 0;\n"
        "PHASE:\nmad.lo.u32 %x, %z, 1000, %me;\nst.shared.u32 [%self], %x;\nand.b32 %y, %z, 1;\n"
        "mbarrier.arrive.b64 %s, [%g];\n" +
        waiting(wait) +
        "ld.shared.u32 %x, [%peer];\nadd.u32 %d, %d, %x;\nbar.sync 0;\n"
        "add.u32 %z, %z, 1;\nsetp.lt.u32 %q, %z, 3;\n@%q bra PHASE;\n";
    if (checks_races() && wait.find("relaxed") != std::string::npos) {  // such a wait orders nothing
      EXPECT_THROW(values(body, shape, before), std::exception) << wait;
      continue;
    }
    const auto got = values(body, shape, before);
    for (u32 i = 0; i < got.size(); i++)
      ASSERT_EQ(got[i], 3 * (95 - i % 96) + 3000) << wait << " thread " << i;
  }
}

// The forms that signal, each once: two arrivals and 48 bytes complete the phase.
TEST(Mbarrier, EveryFormOfArrivalCounts) {
  for (const std::string sem : {"", ".release.cta", ".release.cluster", ".relaxed.cta", ".relaxed.cluster"})
    for (const std::string space : {".shared", ".shared::cta", ".shared::cluster", ""}) {
      const std::string at = space.empty() ? "[%g]" : "[bar]";
      const std::string tx = sem.empty() ? "" : ".relaxed" + sem.substr(sem.rfind('.'));
      std::vector<std::string> ways = {
          "mbarrier.arrive" + sem + space + ".b64 _, " + at + ";\nmbarrier.arrive" + sem + space +
              ".b64 _, " + at + ", 1;\n",
          "mbarrier.arrive" + sem + space + ".b64 _, " + at + ", 2;\n",
          "mbarrier.arrive_drop" + sem + space + ".b64 _, " + at + ";\nmbarrier.arrive_drop" + sem + space +
              ".b64 _, " + at + ", 1;\n",
          "mbarrier.arrive.expect_tx" + sem + space + ".b64 _, " + at + ", 48;\nmbarrier.arrive" + sem +
              space + ".b64 _, " + at + ";\nmbarrier.complete_tx" + tx + space + ".b64 " + at + ", 48;\n",
          "mbarrier.arrive_drop.expect_tx" + sem + space + ".b64 _, " + at + ", 48;\nmbarrier.complete_tx" +
              tx + space + ".b64 " + at + ", 48;\nmbarrier.arrive" + sem + space + ".b64 _, " + at + ";\n",
          "mbarrier.expect_tx" + tx + space + ".b64 " + at + ", 48;\nmbarrier.arrive" + sem + space +
              ".b64 _, " + at + ", 2;\nmbarrier.complete_tx" + tx + space + ".b64 " + at + ", 48;\n"};
      if (space != ".shared::cluster")
        ways.push_back("mbarrier.arrive.noComplete" + space + ".b64 %s, " + at +
                       ", 1;\nmbarrier.arrive_drop" + sem + space + ".b64 %t, " + at + ";\n");
      for (const std::string& way : ways) {
        // the last instruction completes it: not before
        const std::size_t last = way.rfind('\n', way.size() - 2) + 1;
        const auto got = values(
            registers +
                "mov.u64 %g, bar;\ncvta.shared.u64 %g, %g;\nmbarrier.init.shared::cta.b64 [bar], 2;\n" +
                (last ? way.substr(0, last) : "") +
                "mbarrier.test_wait.parity.shared.b64 %p, [bar], 0;\n@%p add.u32 %d, %d, 1;\n" +
                way.substr(last) +
                "mbarrier.test_wait.parity.shared.b64 %p, [bar], 0;\n@%p add.u32 %d, %d, 10;\n"
                "mbarrier.inval.shared.b64 [bar];\nmbarrier.init.shared.b64 [bar], 7;\n"
                "mbarrier.test_wait.parity.shared.b64 %p, [bar], 1;\n@%p add.u32 %d, %d, 100;\n",
            {{1, 1, 1}, {1, 1, 1}}, object);
        ASSERT_EQ(got[0], 110u) << way;
      }
    }
}

// A lane alone at an incomplete phase is told so in the end, and may go on to complete it.
TEST(Mbarrier, AWaitGivesUp) {
  const auto got =
      values(registers +
                 "mbarrier.init.shared.b64 [bar], 1;\nmbarrier.try_wait.parity.shared.b64 %p, [bar], 0;\n"
                 "@!%p add.u32 %d, %d, 1;\nmbarrier.arrive.shared.b64 %s, [bar];\n"
                 "mbarrier.try_wait.shared.b64 %p, [bar], %s;\n@%p add.u32 %d, %d, 10;\n",
             {{1, 1, 1}, {1, 1, 1}}, object);
  EXPECT_EQ(got[0], 11u);
}

// Lanes of one warp wait, each for its own object, that the others complete; parted lanes and guards.
TEST(Mbarrier, LanesOfAWarpWaitForEachOther) {
  const std::string before = ".shared .align 8 .b8 bars[256];\n";
  const auto got =
      values(registers +
                 ".reg .b32 %self, %peer;\nmov.u32 %self, bars;\nmad.lo.u32 %self, %i, 8, %self;\n"
                 "sub.u32 %x, 31, %i;\nmov.u32 %peer, bars;\nmad.lo.u32 %peer, %x, 8, %peer;\n"
                 "mbarrier.init.shared.b64 [%self], 1;\nbar.warp.sync -1;\n"
                 "setp.lt.u32 %q, %i, 16;\n@%q bra LOW;\nmbarrier.arrive.shared.b64 _, [%peer];\n" +
                 waiting("mbarrier.try_wait.parity.shared.b64 %p, [%self], 0;") +
                 "mov.u32 %d, 2;\nbra DONE;\nLOW:\n"
                 "WAIT2:\nmbarrier.try_wait.parity.shared.b64 %p, [%self], 0;\n@!%p bra WAIT2;\n"
                 "mbarrier.arrive.shared.b64 _, [%peer];\nmov.u32 %d, 1;\nDONE:\n",
             {{1, 1, 1}, {32, 1, 1}}, before);
  for (u32 i = 0; i < 32; i++) EXPECT_EQ(got[i], i < 16 ? 1u : 2u);
}

struct Wrong {
  const char *text, *says;
};

TEST(Mbarrier, WhatTheIsaLeavesUndefinedIsAtFault) {
  const std::string init = "mbarrier.init.shared.b64 [bar], 2;\n";
  const std::vector<Wrong> wrongs = {
      {"mbarrier.arrive.shared.b64 _, [bar];", "never initialised"},
      {"mbarrier.test_wait.parity.shared.b64 %p, [bar], 0;", "never initialised"},
      {"mbarrier.inval.shared.b64 [bar];", "never initialised"},
      {"I mbarrier.inval.shared.b64 [bar];\nmbarrier.arrive.shared.b64 _, [bar];", "invalidated"},
      {"I st.shared.u32 [bar], 7;\nmbarrier.arrive.shared.b64 _, [bar];", "overwritten"},
      {"I mbarrier.init.shared.b64 [bar], 2;", "already"},
      {"mbarrier.init.shared.b64 [bar], 0;", "outside 1 to 1048575"},
      {"mbarrier.init.shared.b64 [bar], 1048576;", "outside 1 to 1048575"},
      {"I mbarrier.arrive.shared.b64 _, [bar], 3;", "no more than 2"},
      {"I mbarrier.arrive.shared.b64 _, [bar], 0;", "outside 1"},
      {"I mbarrier.expect_tx.relaxed.cta.shared.b64 [bar], 4;\nmbarrier.arrive.shared.b64 _, [bar], 2;\n"
       "mbarrier.arrive.shared.b64 _, [bar];",
       "no more than 0"},
      {"I mbarrier.arrive.noComplete.shared.b64 _, [bar], 2;", ".noComplete completes"},
      {"I mbarrier.expect_tx.relaxed.cta.shared.b64 [bar], 1048576;", "above 1048575"},
      {"I mbarrier.complete_tx.shared.b64 [bar], 1048576;", "below -1048575"},
      {"I mbarrier.arrive.shared.b64 %s, [bar], 2;\nmbarrier.arrive.shared.b64 _, [bar], 2;\n"
       "mbarrier.test_wait.shared.b64 %p, [bar], %s;",
       "neither the current nor the preceding"},
      {"I mbarrier.init.shared.b64 [other], 1;\nmbarrier.arrive.shared.b64 %s, [other];\n"
       "mbarrier.test_wait.shared.b64 %p, [bar], %s;",
       "state of another"},
      {"I mbarrier.test_wait.parity.shared.b64 %p, [bar], 2;", "neither 0 nor 1"},
      {"mbarrier.init.shared.b64 [bar+4], 2;", "multiple of 8"},
      {"mbarrier.init.shared.b64 [bar+16], 2;", "out of bounds"},
      {"mbarrier.init.b64 [%q0], 2;", "lies in shared memory"},
  };
  Buffer out(256);
  for (const Wrong& wrong : wrongs) {
    std::string text = wrong.text;
    if (text.rfind("I ", 0) == 0) text = init + text.substr(2);
    const Fault fault = fault_of(kernel_text(1, ".reg .b32 %d;\n" + registers + text, object),
                                 {{1, 1, 1}, {1, 1, 1}}, {out.address()});
    EXPECT_NE(fault.message.find(wrong.says), std::string::npos) << wrong.text << "\n" << fault.message;
    EXPECT_NE(fault.message.find("PTX line"), std::string::npos) << fault.message;
    EXPECT_NE(fault.message.find("thread (0,0,0)"), std::string::npos) << fault.message;
  }
}

TEST(Mbarrier, AWaitThatNobodyFulfilsIsADeadlock) {
  const Fault fault = fault_of(
      kernel_text(0,
                  ".reg .b32 %d;\n" + registers +
                      "setp.ne.u32 %q, %i, 0;\n@%q bra REST;\nmbarrier.init.shared.b64 [bar], 2;\n"
                      "mbarrier.arrive.shared.b64 %s, [bar];\n" +
                      waiting("mbarrier.try_wait.shared.b64 %p, [bar], %s;") + "REST:\nbar.sync 0;\n",
                  object),
      {{1, 1, 1}, {64, 1, 1}}, {});
  EXPECT_NE(fault.message.find("deadlock"), std::string::npos) << fault.message;
  EXPECT_NE(fault.message.find("phase 0, 1 of 2 arrivals and 0 bytes are outstanding"), std::string::npos)
      << fault.message;
}

TEST(Mbarrier, FencesOfEveryKindAreKnown) {
  std::string text;
  for (const std::string scope : {"cta", "cluster", "gpu", "sys"})
    for (const std::string order : {"", ".sc", ".acq_rel", ".acquire", ".release"})
      text += "fence" + order + "." + scope + ";\n";
  for (const char* fence :
       {"fence.mbarrier_init.release.cluster", "fence.proxy.alias", "fence.proxy.async",
        "fence.proxy.async.global", "fence.proxy.async.shared::cta", "fence.proxy.async.shared::cluster",
        "membar.cta", "membar.gl", "membar.sys", "membar.proxy.alias",
        "fence.proxy.async::generic.acquire.sync_restrict::shared::cluster.cluster",
        "fence.proxy.async::generic.release.sync_restrict::shared::cta.cluster",
        "fence.acquire.sync_restrict::shared::cluster.cluster",
        "fence.release.sync_restrict::shared::cta.cluster"})
    text += std::string(fence) + ";\n";
  EXPECT_EQ(values(text + "mov.u32 %d, 9;", {{1, 1, 1}, {32, 1, 1}})[31], 9u);
  for (const char* fence : {"fence.proxy.tensormap::generic.release.gpu", "fence", "fence.sc", "fence.proxy",
                            "fence.odd.gpu", "membar.odd", "fence.proxy.async.local", "membar.proxy.async"})
    EXPECT_NE(fault_of(kernel_text(0, std::string(fence) + ";"), {{1, 1, 1}, {1, 1, 1}}, {})
                  .message.find("PTX line"),
              std::string::npos)
        << fence;
}

}  // namespace
}  // namespace instruction_test
