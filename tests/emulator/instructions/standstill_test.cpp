// Waits at mbarriers that nobody will end are told as what they are, at once; waits that may end are left alone, however
// long they take.
#include "seeds.hpp"
#include "tables.hpp"

namespace instruction_test {
namespace {

const std::string memory = ".shared .align 8 .b64 bar;\n.shared .align 8 .b64 other;\n.shared .align 8 .b64 data;\n";
const Shape one{{1, 1, 1}, {64, 1, 1}}, cluster{{8, 1, 1}, {64, 1, 1}, 0, {4, 1, 1}, true};

// Thread 0 initialises both mbarriers for one arrival; the blocks of a cluster meet. %rb: the next block's bar.
const std::string begin =
    ".reg .pred %p, %q, %first;\n.reg .b32 %me, %rank, %size, %b, %rb, %n, %x, %rd;\n.reg .b64 %s;\n"
    "mov.u32 %me, %tid.x;\nsetp.eq.u32 %first, %me, 0;\nmov.u32 %rank, %cluster_ctarank;\nmov.u32 %size, %cluster_nctarank;\n"
    "add.u32 %n, %rank, 1;\nrem.u32 %n, %n, %size;\nmov.u32 %b, bar;\nmapa.shared::cluster.u32 %rb, %b, %n;\nmov.u32 %n, 0;\n"
    "mov.u32 %rd, data;\nmapa.shared::cluster.u32 %rd, %rd, 1;\n"
    "@%first mbarrier.init.shared.b64 [bar], 1;\n@%first mbarrier.init.shared.b64 [other], 1;\n"
    "fence.mbarrier_init.release.cluster;\nbarrier.cluster.arrive;\nbarrier.cluster.wait;\n";
const std::string try_wait = "mbarrier.try_wait.parity.shared.b64 %p, [bar], 0;\n";
const std::string wait = "W:\n" + try_wait + "@!%p bra W;\n";
const std::string end = "barrier.cluster.arrive;\nbarrier.cluster.wait;\n";
// Some time, by itself.
const std::string work = "mov.u32 %x, 0;\nL:\nadd.u32 %x, %x, 1;\nsetp.lt.u32 %q, %x, 30000;\n@%q bra L;\n";

std::string fault_in(const std::string& body, const Shape& shape) {
  const Buffer flag(std::vector<u32>{0});
  return fault_of(kernel_text(1, begin + body + end, memory), shape, {flag.address()}).message;
}
void expect(const std::string& text, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) EXPECT_NE(text.find(part), std::string::npos) << part << " is not in: " << text;
}

TEST(Standstill, OfOneBlock) {
  for (const std::string& way : {wait, "W:\n" + try_wait + "nanosleep.u32 20;\n@!%p bra W;\n",
                                 // one mbarrier after the other, and only every fourth time
                                 "W:\nadd.u32 %n, %n, 1;\nand.b32 %n, %n, 3;\nsetp.eq.u32 %q, %n, 0;\n"
                                 "@%q mbarrier.try_wait.parity.shared.b64 %p, [other], 0;\n@!%q " + try_wait + "@!%p bra W;\n",
                                 // shared and local memory, and what other lanes know
                                 ".local .align 4 .b32 l;\nW:\nld.shared.u32 %x, [data];\nst.local.u32 [l], %x;\n" + try_wait +
                                     "vote.sync.all.pred %p, %p, 0xffffffff;\n@!%p bra W;\n"}) {
    SCOPED_TRACE(way);
    expect(fault_in("@%first st.shared.u32 [data], 0;\nbar.sync 0;\n" + way, one),
           {"deadlock: no thread of the block can go on", "phase 0, 1 of 1 arrivals and 0 bytes are outstanding", "PTX line"});
  }
}

TEST(Standstill, OfACluster) {
  // Everybody; everybody but one block, which waits for the others at the end; lanes of one warp at different waits.
  expect(fault_in(wait, cluster), {"deadlock: no block of cluster ", "and 3 that stand alike", "phase 0, 1 of 1 arrivals"});
  expect(fault_in("setp.eq.u32 %q, %rank, 2;\n@%q bra PAST;\n" + wait + "PAST:\n", cluster),
         {"and 2 that stand alike", "waiting at the cluster's barrier, to which 64 of 256 threads have come", "the mbarrier at shared address"});
  expect(fault_in("setp.lt.u32 %q, %me, 16;\n@%q bra PAST;\n" + wait + "PAST:\n", cluster),
         {"and 3 that stand alike", "lanes 0x0000ffff waiting at the cluster's barrier", "lanes 0xffff0000 waiting at PTX line"});
  // Blocks that exit leave the others in vain.
  expect(fault_in("setp.ne.u32 %q, %rank, 0;\n@%q exit;\n" + wait, cluster), {"deadlock: no block of cluster ", ",0,0): warps 0 to 1 waiting at"});
  // Bytes that nobody sends.
  expect(fault_in("@%first mbarrier.arrive.expect_tx.shared::cluster.b64 _, [%rb], 8;\n" + wait, cluster),
         {"phase 0, 0 of 1 arrivals and 8 bytes are outstanding"});
}

TEST(Standstill, AWaitThatGivesUpIsNone) {
  // After so many tries, counted by each thread.
  const std::string tries = "W:\nadd.u32 %n, %n, 1;\n" + try_wait + "@%p bra PAST;\nsetp.lt.u32 %q, %n, 3000;\n@%q bra W;\nPAST:\n";
  EXPECT_EQ(fault_in(tries, one), "");
  EXPECT_EQ(fault_in(tries, cluster), "");
  // When the clock says so.
  const std::string time = ".reg .b64 %t, %u;\nmov.u64 %t, %globaltimer;\nW:\n" + try_wait +
                           "@%p bra PAST;\nmov.u64 %u, %globaltimer;\nsub.u64 %u, %u, %t;\nsetp.lt.u64 %q, %u, 20000000;\n@%q bra W;\nPAST:\n";
  EXPECT_EQ(fault_in(time, one), "");
  EXPECT_EQ(fault_in(time, cluster), "");
  // When another block says so, in global memory or, within the cluster, in shared memory.
  const std::string flagged = "setp.eq.u32 %q, %rank, 1;\n@!%q bra W;\n" + work +
                              "@%first st.release.gpu.global.u32 [%q0], 1;\nbra PAST;\nW:\n" + try_wait +
                              "@%p bra PAST;\nld.acquire.gpu.global.u32 %x, [%q0];\nsetp.eq.u32 %q, %x, 0;\n@%q bra W;\nPAST:\n";
  EXPECT_EQ(fault_in(flagged, cluster), "");
  const std::string shared = "setp.eq.u32 %q, %rank, 1;\n@!%q bra W;\n" + work +
                             "@%first st.release.cluster.shared::cta.u32 [data], 1;\nbra PAST;\nW:\n" + try_wait +
                             "@%p bra PAST;\nld.acquire.cluster.shared::cluster.u32 %x, [%rd];\nsetp.eq.u32 %q, %x, 0;\n@%q bra W;\nPAST:\n";
  EXPECT_EQ(fault_in("@%first st.shared.u32 [data], 0;\n" + end + shared, cluster), "");
}

TEST(Standstill, NobodyIsTooLate) {
  for (const int seed : {1, 2, 7}) {
    const WithSeed with(seed);
    // Rank 1 arrives at the next block's mbarrier after some work, that one at the next, and so on.
    const std::string arrive = "@%first mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%rb];\n";
    EXPECT_EQ(fault_in("setp.eq.u32 %q, %rank, 1;\n@!%q bra W;\n" + work + arrive + "bra PAST;\n" + wait + arrive + "PAST:\n", cluster), "");
    // The bytes come with it.
    EXPECT_EQ(fault_in("@%first mbarrier.arrive.expect_tx.shared.b64 _, [bar], 8;\nsetp.eq.u32 %q, %rank, 1;\n@!%q bra S;\n" + work +
                           "S:\nmov.u32 %x, data;\nmov.b64 %s, 5;\nadd.u32 %n, %rank, 1;\nrem.u32 %n, %n, %size;\n"
                           "mapa.shared::cluster.u32 %x, %x, %n;\n"
                           "@%first st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.b64 [%x], %s, [%rb];\n" + wait,
                       cluster), "");
  }
}

// Rank 1 exits when the other block has sent it bytes, which may come before that or after.
TEST(Standstill, BytesForABlockThatDoesNotWaitAreAtFault) {
  for (const int seed : {1, 2, 5}) {
    const WithSeed with(seed);
    const std::string text = fault_in(
        "@%first mbarrier.arrive.expect_tx.shared.b64 _, [bar], 8;\nbarrier.cluster.arrive;\nbarrier.cluster.wait;\n"
        "setp.eq.u32 %q, %rank, 1;\n@%q bra E;\nmov.b64 %s, 5;\n"
        "@%first st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.b64 [%rd], %s, [%rb];\n"
        "@%first st.release.gpu.global.u32 [%q0], 1;\n" + work + "bra PAST;\n"
        "E:\nld.acquire.gpu.global.u32 %x, [%q0];\nsetp.eq.u32 %q, %x, 0;\n@%q bra E;\nexit;\nPAST:\n",
        {{2, 1, 1}, {64, 1, 1}, 0, {2, 1, 1}, true});
    EXPECT_NE(text.find("operation writes the shared memory of block (1,0,0), which has exited") != text.npos,
              text.find("block (1,0,0) ends while an asynchronous operation may still write its shared memory") != text.npos)
        << text;
  }
}

}  // namespace
}  // namespace instruction_test
