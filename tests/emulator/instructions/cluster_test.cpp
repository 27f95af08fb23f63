// Clusters: which blocks form one, addresses in each other's shared memory, and access to it.
#include <functional>

#include "support/error.hpp"
#include "tables.hpp"

namespace instruction_test {
namespace {

using ptxvm::Status;
using ptxvm::exec::Dim3;

// A grid in x, y and z, in clusters of 2 x 3 x 2; blocks of two warps, the second not full.
const Shape shape{{4, 6, 4}, {40, 1, 1}, 0, {2, 3, 2}, true};

struct Where {
  u32 block[3], cluster[3], clusters[3], in_cluster[3], size[3], rank;
};
Where where(const Shape& s, u32 linear_block) {
  const u32 grid[3] = {s.grid.x, s.grid.y, s.grid.z}, size[3] = {s.cluster.x, s.cluster.y, s.cluster.z};
  Where w{};
  for (int k = 0; k < 3; k++) {
    w.block[k] = linear_block % grid[k];
    linear_block /= grid[k];
    w.cluster[k] = w.block[k] / size[k];
    w.clusters[k] = grid[k] / size[k];
    w.in_cluster[k] = w.block[k] % size[k];
    w.size[k] = size[k];
  }
  w.rank = w.in_cluster[0] + size[0] * (w.in_cluster[1] + size[1] * w.in_cluster[2]);
  return w;
}

// kernel_text's %i counts along x only: here %i and %out follow the whole grid.
const std::string whole_grid =
    ".reg .b32 %by, %bz, %nx, %ny;\n"
    "mov.u32 %by, %ctaid.y;\nmov.u32 %bz, %ctaid.z;\nmov.u32 %nx, %nctaid.x;\nmov.u32 %ny, %nctaid.y;\n"
    "mad.lo.u32 %by, %ny, %bz, %by;\nmad.lo.u32 %block, %nx, %by, %block;\n"
    "mov.u32 %i, %tid.x;\nmad.lo.u32 %i, %block, %threads, %i;\nmad.wide.u32 %out, %i, 4, %q0;\n";

// Waits until every block of the grid has come, for which one thread stands; %q1 counts them.
std::string meeting(const Shape& s, int number) {
  const std::string n = std::to_string(number), all = std::to_string(s.grid.count() * u64(number));
  return "bar.sync 0;\n{\n.reg .b32 %n;\n.reg .pred %other, %less;\nmov.u32 %n, %tid.x;\nsetp.ne.u32 %other, %n, 0;\n@%other bra A" + n +
         ";\nred.release.gpu.global.add.u32 [%q1], 1;\nM" + n +
         ":\nnanosleep.u32 20;\nld.acquire.gpu.global.u32 %n, [%q1];\nsetp.lt.u32 %less, %n, " + all + ";\n@%less bra M" + n +
         ";\nA" + n + ":\n}\nbar.sync 0;\n";
}

std::vector<u32> in_grid(const Shape& s, const std::string& body, const std::string& before = "") {
  const Buffer counter(std::vector<u32>{0});
  return values(whole_grid + body, s, before, {counter.address()});
}

void expect_blocks(const Shape& s, const std::vector<u32>& got, const std::function<u32(const Where&)>& wanted) {
  const u32 threads = u32(s.block.count());
  for (u32 i = 0; i < got.size(); i++) ASSERT_EQ(got[i], wanted(where(s, i / threads))) << "thread " << i;
}

TEST(Cluster, SpecialRegisters) {
  for (const Shape& s : {shape, Shape{{3, 2, 2}, {40, 1, 1}}, Shape{{16, 1, 2}, {40, 1, 1}, 0, {16, 1, 1}, true}}) {
    SCOPED_TRACE("clusters of " + std::to_string(s.cluster.count()));
    const char axes[] = {'x', 'y', 'z'};
    for (int k = 0; k < 3; k++) {
      const auto read = [&](const std::string& name) { return in_grid(s, "mov.u32 %d, " + name + "." + axes[k] + ";\n"); };
      expect_blocks(s, read("%clusterid"), [&](const Where& w) { return w.cluster[k]; });
      expect_blocks(s, read("%nclusterid"), [&](const Where& w) { return w.clusters[k]; });
      expect_blocks(s, read("%cluster_ctaid"), [&](const Where& w) { return w.in_cluster[k]; });
      expect_blocks(s, read("%cluster_nctaid"), [&](const Where& w) { return w.size[k]; });
    }
    expect_blocks(s, in_grid(s, "mov.u32 %d, %cluster_ctarank;\n"), [](const Where& w) { return w.rank; });
    expect_blocks(s, in_grid(s, "mov.u32 %d, %cluster_nctarank;\n"), [&](const Where&) { return u32(s.cluster.count()); });
    expect_blocks(s, in_grid(s, ".reg .pred %p;\nmov.pred %p, %is_explicit_cluster;\nselp.u32 %d, 1, 0, %p;\n"),
                  [&](const Where&) { return u32(s.explicit_cluster); });
  }
}

// The blocks of a cluster lie on multiprocessors of one GPC; here one GPC of 132.
TEST(Cluster, MultiprocessorsExist) {
  for (const u32 sm : in_grid(shape, "mov.u32 %d, %smid;\n")) EXPECT_LT(sm, 132u);
}

const std::string by_one_thread = "mov.u32 %v, %tid.x;\nsetp.eq.u32 %p, %v, 0;\n";
const std::string variables = ".shared .align 16 .b8 before[48];\n.shared .align 16 .b8 sh[256];\n";
// Every block puts its number at sh + 4 k, plus 1000 k, by one thread; then all meet.
std::string filled(const Shape& s) {
  std::string text = variables + ".reg .b32 %v, %r, %x;\n.reg .b64 %a, %g;\n.reg .pred %p;\n" + by_one_thread;
  for (u32 k = 0; k < 4; k++)
    text += "add.u32 %v, %block, " + std::to_string(1000 * k) + ";\n@%p st.shared.u32 [sh+" + std::to_string(4 * k) + "], %v;\n";
  return text + meeting(s, 1) + "mov.u32 %r, %tid.x;\nrem.u32 %r, %r, " + std::to_string(s.cluster.count()) + ";\n";
}
// The number in the grid of the block of rank r in w's cluster.
u32 block_of_rank(const Shape& s, const Where& w, u32 rank) {
  for (u32 b = 0; b < s.grid.count(); b++) {
    const Where o = where(s, b);
    if (o.rank == rank && std::equal(o.cluster, o.cluster + 3, w.cluster)) return b;
  }
  return ~0u;
}

// Each form of mapa, of the address used, and of the access: thread t reads word k of rank t's memory.
TEST(Cluster, MapaReachesEveryBlock) {
  const std::string end = meeting(shape, 2);  // nobody exits while others read
  const std::string generic = "mov.u64 %a, sh;\ncvta.shared.u64 %a, %a;\n";
  struct Form {
    std::string text;
    u32 word;
  };
  const std::vector<Form> forms = {
      {"mov.u32 %x, sh;\nmapa.shared::cluster.u32 %x, %x, %r;\nld.shared::cluster.u32 %d, [%x+4];\n", 1},
      {"mapa.shared::cluster.u32 %x, sh, %r;\nld.shared::cluster.u32 %d, [%x];\n", 0},
      {"mapa.shared::cluster.u32 %x, sh + 8, %r;\nld.shared::cluster.u32 %d, [%x+4];\n", 3},
      {"mapa.shared::cluster.u64 %a, sh + 12, %r;\nld.shared::cluster.u32 %d, [%a];\n", 3},
      {"mov.u64 %a, sh;\nmapa.shared::cluster.u64 %a, %a, %r;\nld.volatile.shared::cluster.u32 %d, [%a];\n", 0},
      {generic + "mapa.u64 %g, %a, %r;\nld.u32 %d, [%g+4];\n", 1},
      {generic + "mapa.u64 %g, %a, %r;\ncvta.to.shared::cluster.u64 %g, %g;\nld.shared::cluster.u32 %d, [%g+8];\n", 2},
      {"mapa.shared::cluster.u64 %a, sh, %r;\ncvta.shared::cluster.u64 %a, %a;\nld.relaxed.cluster.u32 %d, [%a+8];\n", 2},
      // from another block's address
      {"mapa.shared::cluster.u32 %x, sh, 5;\nmapa.shared::cluster.u32 %x, %x, %r;\nld.shared::cluster.u32 %d, [%x];\n", 0},
      {generic + "mapa.u64 %g, %a, 7;\nmapa.u64 %g, %g, %r;\nld.acquire.cluster.u32 %d, [%g];\n", 0},
  };
  for (const Form& form : forms) {
    SCOPED_TRACE(form.text);
    const auto got = in_grid(shape, filled(shape) + form.text + end);
    for (u32 i = 0; i < got.size(); i++)
      ASSERT_EQ(got[i], block_of_rank(shape, where(shape, i / 40), i % 40 % 12) + 1000 * form.word) << "thread " << i;
  }
  // All lanes at one block and at consecutive words; a vector.
  const auto got = in_grid(shape, filled(shape) +
      "mapa.shared::cluster.u32 %x, sh, 11;\nand.b32 %r, %r, 3;\nmad.lo.u32 %x, %r, 4, %x;\n"
      "ld.shared::cluster.u32 %d, [%x];\nmapa.shared::cluster.u32 %x, sh, 10;\n"
      "{\n.reg .b32 %v0, %v1, %v2, %v3;\nld.shared::cluster.v4.u32 {%v0, %v1, %v2, %v3}, [%x];\n"
      "add.u32 %d, %d, %v3;\n}\n" + end);
  for (u32 i = 0; i < got.size(); i++) {
    const Where w = where(shape, i / 40);
    ASSERT_EQ(got[i], block_of_rank(shape, w, 11) + 1000 * (i % 40 % 12 % 4) + block_of_rank(shape, w, 10) + 3000) << i;
  }
}

TEST(Cluster, RankOfAnAddress) {
  const std::string generic = "cvta.shared.u64 %a, %a;\n", end = meeting(shape, 2);
  const auto rank_of_thread = [&](const std::string& text) {
    SCOPED_TRACE(text);
    const auto got = in_grid(shape, filled(shape) + text + end);
    for (u32 i = 0; i < got.size(); i++) ASSERT_EQ(got[i], i % 40 % 12) << "thread " << i;
  };
  rank_of_thread("mapa.shared::cluster.u32 %x, sh, %r;\ngetctarank.shared::cluster.u32 %d, %x;\n");
  rank_of_thread("mapa.shared::cluster.u64 %a, sh + 4, %r;\ngetctarank.shared::cluster.u64 %d, %a;\n");
  rank_of_thread("mov.u64 %a, sh;\n" + generic + "mapa.u64 %g, %a, %r;\ngetctarank.u64 %d, %g;\n");
  for (const std::string& text : {std::string("getctarank.shared::cluster.u32 %d, sh;\n"),
                                 std::string("getctarank.shared::cluster.u64 %d, sh + 4;\n"),
                                 "mov.u64 %a, sh;\n" + generic + "getctarank.u64 %d, %a;\n"}) {
    SCOPED_TRACE(text);
    expect_blocks(shape, in_grid(shape, filled(shape) + text + end), [](const Where& w) { return w.rank; });
  }
}

// isspacep for addresses of this block, of rank 4, of global and of local memory: a bit each.
TEST(Cluster, SpaceOfAnAddress) {
  const std::string text =
      filled(shape) + ".local .align 4 .b8 lo[4];\n.reg .b64 %t;\nmov.u64 %a, sh;\ncvta.shared.u64 %a, %a;\n"
                      "mapa.u64 %g, %a, 4;\nmov.u64 %t, lo;\ncvta.local.u64 %t, %t;\n";
  const auto bits_of = [&](const std::string& space) {
    std::string test;
    int bit = 1;
    for (const std::string address : {"%a", "%g", "%q0", "%t"}) {
      test += "isspacep." + space + " %p, " + address + ";\n@%p or.b32 %d, %d, " + std::to_string(bit) + ";\n";
      bit *= 2;
    }
    return in_grid(shape, text + test + meeting(shape, 2));
  };
  const auto own = [](const Where& w) { return w.rank == 4 ? 3u : 1u; };
  expect_blocks(shape, bits_of("shared"), own);
  expect_blocks(shape, bits_of("shared::cta"), own);
  expect_blocks(shape, bits_of("shared::cluster"), [](const Where&) { return 3u; });
  expect_blocks(shape, bits_of("global"), [](const Where&) { return 4u; });
  expect_blocks(shape, bits_of("local"), [](const Where&) { return 8u; });
}

// All blocks add to and exchange in the memory of rank 3, which then reads it.
TEST(Cluster, StoresAndAtomics) {
  const std::string generic = "mov.u64 %a, sh;\ncvta.shared.u64 %a, %a;\nmapa.u64 %g, %a, 3;\n";
  const std::string begin =
      variables + ".reg .b32 %x, %v;\n.reg .b64 %a, %g;\n.reg .pred %p;\n.reg .f32 %f;\n" + by_one_thread +
      "@%p st.shared.u32 [sh], 0;\n@%p st.shared.f32 [sh+4], 0f00000000;\n@%p st.shared.u32 [sh+8], 0;\n" + meeting(shape, 1);
  const std::string far = "mapa.shared::cluster.u32 %x, sh, 3;\n";
  const std::string end = meeting(shape, 2);
  const u32 threads = 12 * 40;
  const auto rank_3 = [&](const std::string& text, const std::string& read) {
    const auto got = in_grid(shape, begin + text + end + read);
    std::vector<u32> of_rank_3;
    for (u32 i = 0; i < got.size(); i++)
      if (where(shape, i / 40).rank == 3) of_rank_3.push_back(got[i]);
    EXPECT_EQ(of_rank_3.size(), 8u * 40);
    return of_rank_3;
  };
  for (const std::string& text :
       {far + "red.shared::cluster.add.u32 [%x], 1;\n", far + "atom.shared::cluster.add.u32 %v, [%x], 1;\n",
        far + "atom.relaxed.cluster.shared::cluster.add.u32 %v, [%x], 1;\n", generic + "red.add.u32 [%g], 1;\n",
        generic + "atom.add.release.cluster.u32 %v, [%g], 1;\n"}) {
    SCOPED_TRACE(text);
    for (const u32 sum : rank_3(text, "ld.shared.u32 %d, [sh];\n")) ASSERT_EQ(sum, threads);
  }
  // fp32 sums in shared memory keep subnormal numbers, wherever in the cluster it lies.
  for (const std::string& text : {far + "red.shared::cluster.add.f32 [%x+4], 0f00000001;\n",
                                 generic + "red.add.f32 [%g+4], 0f00000001;\n"})
    for (const u32 sum : rank_3(text, "ld.shared.u32 %d, [sh+4];\n")) ASSERT_EQ(sum, threads);
  // One thread of each block sets its bit by compare-and-swap until it succeeds.
  const std::string bit = "mov.u32 %v, %tid.x;\nsetp.ne.u32 %p, %v, 33;\n@%p bra PAST;\n{\n.reg .b32 %old, %new, %r;\n"
                          "mov.u32 %r, %cluster_ctarank;\nmov.u32 %v, 1;\nshl.b32 %v, %v, %r;\nmov.u32 %old, 0;\nAGAIN:\n"
                          "or.b32 %new, %old, %v;\nmov.u32 %r, %old;\n"
                          "atom.shared::cluster.cas.b32 %old, [%x+8], %r, %new;\n"
                          "setp.ne.u32 %p, %old, %r;\n@%p bra AGAIN;\n}\nPAST:\n";
  for (const u32 all : rank_3(far + bit, "ld.shared.u32 %d, [sh+8];\n")) ASSERT_EQ(all, 0xfffu);
  // Stores of several widths into each other's memory: one thread of block r writes at 16 r of rank 3's second half.
  const std::string stores =
      by_one_thread + "{\n.reg .b32 %r;\n.reg .b16 %h;\nmov.u32 %r, %cluster_ctarank;\nmapa.shared::cluster.u32 %x, sh, 3;\n"
      "mad.lo.u32 %x, %r, 16, %x;\n@%p st.shared::cluster.u32 [%x+64], %r;\nadd.u32 %r, %r, 100;\n"
      "@%p st.shared::cluster.v2.u32 [%x+72], {%r, %r};\ncvt.u16.u32 %h, %r;\n@%p st.shared::cluster.u8 [%x+68], %h;\n}\n";
  const std::string read = "{\n.reg .b32 %r, %w;\nmov.u32 %r, %cluster_ctarank;\nsetp.ne.u32 %p, %r, 3;\n@%p bra OTHERS;\n"
                           "mov.u32 %r, %tid.x;\nrem.u32 %r, %r, 12;\nmov.u32 %x, sh;\nmad.lo.u32 %x, %r, 16, %x;\n"
                           "ld.shared.u32 %d, [%x+64];\nld.shared.u8 %w, [%x+68];\nmad.lo.u32 %d, %w, 1000, %d;\n"
                           "ld.shared.u32 %w, [%x+76];\nmad.lo.u32 %d, %w, 1000000, %d;\n}\nOTHERS:\n";
  const auto got = rank_3(stores, read);
  for (u32 i = 0; i < got.size(); i++) {
    const u32 r = i % 40 % 12;
    ASSERT_EQ(got[i], r + 1000 * (100 + r) + 1000000 * (100 + r));
  }
}

// A block's shared memory is checked against the size of who owns it, and the message names the block.
TEST(Cluster, Faults) {
  const Shape pair{{4, 1, 1}, {32, 1, 1}, 0, {2, 1, 1}, true};
  const Buffer counter(std::vector<u32>{0}), out(std::size_t{1024});
  const auto fault = [&](const std::string& body) {
    std::memset(counter.host(), 0, 4);
    return fault_of(kernel_text(2, ".shared .align 16 .b8 sh[64];\n.reg .b32 %x, %v;\n.reg .b64 %a;\n.reg .pred %p;\n" + body),
                    pair, {out.address(), counter.address()});
  };
  const auto expect = [&](const std::string& body, Status status, const std::vector<std::string>& parts) {
    const Fault f = fault(body);
    EXPECT_EQ(f.status, static_cast<int>(status)) << body << f.message;
    for (const std::string& part : parts) EXPECT_NE(f.message.find(part), std::string::npos) << part << " in " << f.message;
  };
  const std::string met = meeting(pair, 1), end = meeting(pair, 2);
  const std::string one = "setp.eq.u32 %p, %i, 5;\nmapa.shared::cluster.u32 %x, sh, 1;\n@%p ";
  EXPECT_EQ(fault(met + one + "st.shared::cluster.u32 [%x+60], 1;\n" + end).message, "");
  expect(met + one + "st.shared::cluster.u32 [%x+64], 1;\n" + end, Status::IllegalAddress,
         {"out of bounds", "block (1,0,0), rank 1 of the cluster, has 64 bytes", "block (0,0,0), thread (5,0,0)", "0x2000040"});
  expect(met + "mapa.shared::cluster.u32 %x, sh, 1;\nld.shared::cluster.u32 %v, [%x+64];\n" + end, Status::IllegalAddress,
         {"out of bounds", "has 64 bytes"});
  expect(met + "mapa.shared::cluster.u32 %x, sh, 2;\nld.shared::cluster.u32 %v, [%x];\n" + end, Status::IllegalAddress,
         {"the cluster has 2 blocks, none of rank 2"});
  expect(met + "mapa.shared::cluster.u32 %x, sh, 1;\nld.shared::cluster.u32 %v, [%x+2];\n" + end, Status::MisalignedAddress,
         {"misaligned"});
  expect(met + "setp.eq.u32 %p, %block, 0;\nmapa.shared::cluster.u32 %x, sh, 1;\n@%p ld.shared.u32 %v, [%x];\n" + end,
         Status::IllegalAddress, {"only .shared::cluster and generic addresses"});
  // On a second worker the other block may have begun just before: then there is no fault, and another run is asked.
  Fault early;
  for (int run = 0; run < 100 && early.message.empty(); run++)
    early = fault("setp.eq.u32 %p, %block, 0;\nmapa.shared::cluster.u32 %x, sh, 1;\n@%p ld.shared::cluster.u32 %v, [%x];\n" + met);
  EXPECT_EQ(early.status, static_cast<int>(Status::IllegalAddress)) << early.message;
  EXPECT_NE(early.message.find("block (1,0,0), rank 1 of the cluster, has not begun"), std::string::npos) << early.message;
  expect("mapa.u64 %a, %q0, 1;\n", Status::InvalidAddressSpace, {"not in shared memory"});
  expect("getctarank.u64 %x, %q0;\n", Status::InvalidAddressSpace, {"not in shared memory"});
  EXPECT_NE(fault_of(kernel_text(0, ""), {{5, 1, 1}, {32, 1, 1}, 0, {2, 1, 1}, true}, {}).status, 0) << "5 blocks in twos";
  EXPECT_NE(fault_of(kernel_text(0, ""), {{34, 1, 1}, {32, 1, 1}, 0, {17, 1, 1}, true}, {}).status, 0);
}

// Rank 0 waits for long after rank 1 has exited, then touches its memory.
TEST(Cluster, MemoryOfABlockThatHasExited) {
  const Buffer counter(std::vector<u32>{0}), out(std::size_t{4});
  const Fault f = fault_of(
      kernel_text(2, ".shared .align 16 .b8 sh[64];\n.reg .b32 %x, %v;\n.reg .pred %p;\nsetp.eq.u32 %p, %block, 1;\n@%p exit;\n"
                     "mov.u32 %v, 0;\nL:\nadd.u32 %v, %v, 1;\nnanosleep.u32 20;\nsetp.lt.u32 %p, %v, 1000;\n@%p bra L;\n"
                     "mapa.shared::cluster.u32 %x, sh, 1;\nld.shared::cluster.u32 %v, [%x];\n"),
      {{2, 1, 1}, {32, 1, 1}, 0, {2, 1, 1}, true}, {out.address(), counter.address()});
  EXPECT_EQ(f.status, static_cast<int>(Status::IllegalAddress));
  EXPECT_NE(f.message.find("block (1,0,0), rank 1 of the cluster, has exited"), std::string::npos) << f.message;
}

}  // namespace
}  // namespace instruction_test
