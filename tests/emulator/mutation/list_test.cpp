// Which mutations a text has, and what they make of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "mutate/mutation.hpp"
#include "ptx/ast.hpp"
#include "support/error.hpp"

namespace {

using ptxvm::mutate::Mutation;

std::string joined(const std::vector<std::string>& parts) {
  std::string s;
  for (const std::string& p : parts) s += (s.empty() ? "" : ".") + p;
  return s;
}

ptxvm::ptx::Module module_of(const std::string& body, const std::string& target = "sm_90") {
  return ptxvm::ptx::parse(".version 8.8\n.target " + target + "\n.address_size 64\n.visible .entry k(.param .u64 p)\n{\n"
                           ".reg .pred %p, %q;\n.reg .b32 %r, %s;\n.reg .b64 %d, %e;\n" + body + "\nret;\n}\n");
}

std::vector<std::string> texts(const std::string& body, const std::string& target = "sm_90") {
  std::vector<std::string> list;
  for (const Mutation& m : ptxvm::mutate::list(module_of(body, target))) list.push_back(m.text);
  return list;
}

// The body's opcodes after a mutation, without the ret.
std::vector<std::string> mutated(const std::string& body, std::size_t number) {
  ptxvm::ptx::Module module = module_of(body);
  const std::vector<Mutation> all = ptxvm::mutate::list(module);
  ptxvm::mutate::apply(module, all.at(number));
  std::vector<std::string> opcodes;
  for (const auto& i : module.functions[0].body) opcodes.push_back(joined(i.opcode));
  opcodes.pop_back();
  return opcodes;
}

using List = std::vector<std::string>;

TEST(Mutations, FencesGoOrNarrow) {
  EXPECT_EQ(texts("membar.sys;"), (List{"membar.sys removed", "membar.sys -> membar.gl"}));
  EXPECT_EQ(texts("membar.gl;"), (List{"membar.gl removed", "membar.gl -> membar.cta"}));
  EXPECT_EQ(texts("membar.cta;"), (List{"membar.cta removed"}));
  EXPECT_EQ(texts("fence.sc.gpu;"),
            (List{"fence.sc.gpu removed", "fence.sc.gpu -> fence.acq_rel.gpu", "fence.sc.gpu -> fence.sc.cluster"}));
  EXPECT_EQ(texts("fence.acq_rel.gpu;", "sm_80"), (List{"fence.acq_rel.gpu removed", "fence.acq_rel.gpu -> fence.acq_rel.cta"}));
  EXPECT_EQ(texts("fence.proxy.async.global;"), (List{"fence.proxy.async.global removed"}));
  EXPECT_EQ(texts("fence.mbarrier_init.release.cluster;"), (List{"fence.mbarrier_init.release.cluster removed"}));
}

TEST(Mutations, OrdersWeakenByEachStep) {
  EXPECT_EQ(texts("ld.acquire.sys.global.u32 %r, [%d];"),
            (List{"ld.acquire.sys.global.u32 -> ld.relaxed.sys.global.u32", "ld.acquire.sys.global.u32 -> ld.acquire.gpu.global.u32"}));
  EXPECT_EQ(texts("st.release.cluster.global.u32 [%d], %r;"), (List{"st.release.cluster.global.u32 -> st.relaxed.cluster.global.u32",
                                                                    "st.release.cluster.global.u32 -> st.release.cta.global.u32"}));
  EXPECT_EQ(texts("atom.acq_rel.cta.global.add.u32 %r, [%d], %s;"),
            (List{"atom.acq_rel.cta.global.add.u32 -> atom.acquire.cta.global.add.u32",
                  "atom.acq_rel.cta.global.add.u32 -> atom.release.cta.global.add.u32",
                  "atom.acq_rel.cta.global.add.u32 -> atom.relaxed.cta.global.add.u32"}));
  EXPECT_EQ(texts("ld.relaxed.cta.global.u32 %r, [%d];\nld.volatile.global.u32 %r, [%d];\nst.global.u32 [%d], %r;"), List{});
}

TEST(Mutations, AnAtomicsScopeIsTheDevicesUnlessItSaysOtherwise) {
  EXPECT_EQ(texts("red.global.add.u32 [%d], %r;"), (List{"red.global.add.u32 -> red.cluster.global.add.u32"}));
  EXPECT_EQ(texts("red.global.add.u32 [%d], %r;", "sm_75"), (List{"red.global.add.u32 -> red.cta.global.add.u32"}));
  EXPECT_EQ(texts("atom.release.global.exch.b32 %r, [%d], %s;"),
            (List{"atom.release.global.exch.b32 -> atom.relaxed.global.exch.b32",
                  "atom.release.global.exch.b32 -> atom.release.cluster.global.exch.b32"}));
  // A block's shared memory is seen by nobody outside it, a cluster's by nobody outside that.
  EXPECT_EQ(texts("atom.shared.add.u32 %r, [%s], %s;"), List{});
  EXPECT_EQ(texts("atom.shared::cluster.add.u32 %r, [%s], %s;"),
            (List{"atom.shared::cluster.add.u32 -> atom.cta.shared::cluster.add.u32"}));
}

TEST(Mutations, BarriersGo) {
  EXPECT_EQ(texts("bar.sync 0;\nbar.warp.sync -1;\nbarrier.sync.aligned 1, 64;\nbar.arrive 2, 64;"),
            (List{"bar.sync removed", "bar.warp.sync removed", "barrier.sync.aligned removed", "bar.arrive removed"}));
  EXPECT_EQ(texts("cp.async.commit_group;\ncp.async.wait_group 1;\ncp.async.wait_all;\ncp.async.bulk.wait_group.read 0;"),
            (List{"cp.async.wait_group removed", "cp.async.wait_all removed", "cp.async.bulk.wait_group.read removed"}));
  EXPECT_EQ(texts("griddepcontrol.wait;\ngriddepcontrol.launch_dependents;"), (List{"griddepcontrol.wait removed"}));
  EXPECT_EQ(texts("barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;"),
            (List{"barrier.cluster.arrive.release.aligned removed",
                  "barrier.cluster.arrive.release.aligned -> barrier.cluster.arrive.relaxed.aligned",
                  "barrier.cluster.arrive.release.aligned and barrier.cluster.wait.acquire.aligned removed",
                  "barrier.cluster.wait.acquire.aligned removed"}));
}

TEST(Mutations, PhasesOfAnMbarrier) {
  EXPECT_EQ(texts("mbarrier.try_wait.parity.shared::cta.b64 %p, [%r], %s;"),
            (List{"mbarrier.try_wait.parity.shared::cta.b64 passes at once",
                  "mbarrier.try_wait.parity.shared::cta.b64 -> mbarrier.try_wait.relaxed.cta.parity.shared::cta.b64"}));
  EXPECT_EQ(texts("mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%r];"),
            (List{"mbarrier.arrive.release.cluster.shared::cluster.b64 -> mbarrier.arrive.relaxed.cluster.shared::cluster.b64",
                  "mbarrier.arrive.release.cluster.shared::cluster.b64 -> mbarrier.arrive.release.cta.shared::cluster.b64"}));
  EXPECT_EQ(texts("mbarrier.arrive.expect_tx.shared.b64 %d, [%r], 8;"),
            (List{"mbarrier.arrive.expect_tx.shared.b64 -> mbarrier.arrive.expect_tx.relaxed.cta.shared.b64"}));
  EXPECT_EQ(texts("mbarrier.init.shared.b64 [%r], 1;\nmbarrier.inval.shared.b64 [%r];"), List{});
}

TEST(Mutations, LabelsStayWhereTheyWere) {
  const std::string body = "bra B;\nA:\nbar.sync 0;\nB:\nbar.warp.sync -1;\nC:\nmov.u32 %r, 1;\nbra A;";
  EXPECT_EQ(mutated(body, 0), (List{"bra", "bar.warp.sync", "mov.u32", "bra"}));
  ptxvm::ptx::Module module = module_of(body);
  ptxvm::mutate::apply(module, ptxvm::mutate::list(module).at(0));
  const auto position = [&](const char* label) {
    for (const auto& l : module.functions[0].labels)
      if (l.name.find(label) != l.name.npos) return l.position;
    return std::size_t(99);
  };
  EXPECT_EQ(position("A"), 1u);
  EXPECT_EQ(position("B"), 1u);
  EXPECT_EQ(position("C"), 2u);
}

TEST(Mutations, WaitsAndReductionsAreReplacedByWhatTheyAnswerAtOnce) {
  EXPECT_EQ(mutated("mbarrier.test_wait.shared.b64 %p, [%r], %d;", 0), (List{"mov.pred"}));
  EXPECT_EQ(mutated("bar.red.popc.u32 %r, 0, %p;", 0), (List{"selp.u32"}));
  EXPECT_EQ(mutated("bar.red.or.pred %q, 0, 64, !%p;", 0), (List{"mov.pred"}));
  EXPECT_EQ(mutated("barrier.cluster.arrive;\nmov.u32 %r, 1;\nbarrier.cluster.wait;", 2), (List{"mov.u32"}));
  EXPECT_EQ(mutated("@%p fence.sc.gpu;\nmov.u32 %r, 1;", 1), (List{"fence.acq_rel.gpu", "mov.u32"}));
}

}  // namespace
