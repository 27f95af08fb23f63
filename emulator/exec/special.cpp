// Special registers (PTX ISA 10), and the small handlers of builtins.hpp that touch launch state.
#include <chrono>
#include <unordered_map>

#include "check/launch.hpp"
#include "code/fence.hpp"
#include "code/program.hpp"
#include "exec/builtins.hpp"
#include "exec/warp.hpp"

namespace ptxvm::exec {
namespace {

using Value = std::uint64_t (*)(const Warp&, unsigned lane);

std::uint32_t linear(const Warp& w, unsigned lane) { return w.index * 32 + lane; }

template <int Axis>
std::uint64_t thread(const Warp& w, unsigned lane) {
  const Image& image = *w.block->image;
  const std::uint32_t n = linear(w, lane);
  if (Axis == 0) return n % image.block[0];
  if (Axis == 1) return n / image.block[0] % image.block[1];
  return n / (image.block[0] * image.block[1]);
}
template <int Axis> std::uint64_t threads(const Warp& w, unsigned) { return w.block->image->block[Axis]; }
template <int Axis> std::uint64_t block(const Warp& w, unsigned) { return w.block->id[Axis]; }
template <int Axis> std::uint64_t blocks(const Warp& w, unsigned) { return w.block->image->grid[Axis]; }

template <int Axis>
std::uint64_t cluster_id(const Warp& w, unsigned) {
  return w.block->id[Axis] / w.block->image->cluster[Axis];
}
template <int Axis>
std::uint64_t clusters(const Warp& w, unsigned) {
  return w.block->image->grid[Axis] / w.block->image->cluster[Axis];
}
template <int Axis>
std::uint64_t cluster_block(const Warp& w, unsigned) {
  return w.block->id[Axis] % w.block->image->cluster[Axis];
}
template <int Axis> std::uint64_t cluster_blocks(const Warp& w, unsigned) { return w.block->image->cluster[Axis]; }
std::uint64_t cluster_rank(const Warp& w, unsigned) { return w.block->rank; }
std::uint64_t cluster_size(const Warp& w, unsigned) {
  const std::uint32_t* c = w.block->image->cluster;
  return c[0] * c[1] * c[2];
}
// The one that is a predicate.
void explicit_cluster(Warp& w, const Inst& in) {
  std::uint32_t* p = w.at<std::uint32_t>(in.op[0]);
  *p = (*p & ~w.mask) | (w.block->image->explicit_cluster ? w.mask : 0);
}

std::uint64_t nanoseconds() {
  return std::uint64_t(std::chrono::duration_cast<std::chrono::nanoseconds>(
                           std::chrono::steady_clock::now().time_since_epoch()).count());
}
std::uint64_t clock(const Warp& w, unsigned) {
  return std::uint64_t(double(nanoseconds()) * double(w.block->image->clock_khz) * 1e-6);
}

// Values that are the same for all lanes are worked out once.
template <class T, Value V, bool Uniform>
void special(Warp& w, const Inst& in) {
  T* d = w.at<T>(in.op[0]);
  const std::uint32_t mask = w.mask;
  if constexpr (Uniform) {
    const T v = T(V(w, 0));
    for (int i = 0; i < 32; ++i) d[i] = ((mask >> i) & 1) ? v : d[i];
  } else {
    for (std::uint32_t m = mask; m; m &= m - 1) d[__builtin_ctz(m)] = T(V(w, unsigned(__builtin_ctz(m))));
  }
}
// %tid.x of a block that is one-dimensional.
template <class T>
void thread_x(Warp& w, const Inst& in) {
  const Image& image = *w.block->image;
  if (image.block[1] != 1 || image.block[2] != 1) return special<T, &thread<0>, false>(w, in);
  T* d = w.at<T>(in.op[0]);
  for (int i = 0; i < 32; ++i) d[i] = ((w.mask >> i) & 1) ? T(w.index * 32 + unsigned(i)) : d[i];
}

struct Handlers { Handler h16, h32, h64; };
template <Value V, bool Uniform>
Handlers make() {
  return {&special<std::uint16_t, V, Uniform>, &special<std::uint32_t, V, Uniform>,
          &special<std::uint64_t, V, Uniform>};
}

std::uint64_t lane_id(const Warp&, unsigned lane) { return lane; }
std::uint64_t mask_eq(const Warp&, unsigned l) { return std::uint64_t{1} << l; }
std::uint64_t mask_lt(const Warp&, unsigned l) { return (std::uint64_t{1} << l) - 1; }
std::uint64_t mask_le(const Warp&, unsigned l) { return (std::uint64_t{2} << l) - 1; }
std::uint64_t mask_gt(const Warp&, unsigned l) { return 0xffffffffu & ~((std::uint64_t{2} << l) - 1); }
std::uint64_t mask_ge(const Warp&, unsigned l) { return 0xffffffffu & ~((std::uint64_t{1} << l) - 1); }
std::uint64_t warp_id(const Warp& w, unsigned) { return w.index; }
std::uint64_t warp_count(const Warp& w, unsigned) { return w.block->warp_count; }
std::uint64_t sm_id(const Warp& w, unsigned) { return w.block->multiprocessor; }
std::uint64_t sm_count(const Warp& w, unsigned) { return w.block->image->multiprocessors; }
std::uint64_t grid_id(const Warp& w, unsigned) { return w.block->image->launch_id; }
std::uint64_t clock_high(const Warp& w, unsigned l) { return clock(w, l) >> 32; }
// A GPU's counts from 1970, which libcu++'s system_clock relies on; this one never steps back.
std::uint64_t global_timer(const Warp&, unsigned) {
  static const std::uint64_t start =
      std::uint64_t(std::chrono::duration_cast<std::chrono::nanoseconds>(
                        std::chrono::system_clock::now().time_since_epoch()).count()) - nanoseconds();
  return start + nanoseconds();
}
std::uint64_t global_timer_high(const Warp& w, unsigned lane) { return global_timer(w, lane) >> 32; }
// Cooperative groups find the grid's workspace by these two, the upper half first.
std::uint64_t workspace_high(const Warp& w, unsigned) { return w.block->image->grid_workspace >> 32; }
std::uint64_t workspace_low(const Warp& w, unsigned) { return w.block->image->grid_workspace & 0xffffffffu; }
std::uint64_t dynamic_shared(const Warp& w, unsigned) { return w.block->image->dynamic_shared; }
std::uint64_t total_shared(const Warp& w, unsigned) { return w.block->shared_size; }

// Of the memory that the system keeps back, the toolkit's headers use what begins here: 288 bytes, for tiles of several
// warps. The other registers of that family say what nobody outside of the system may use, and are not known here.
std::uint64_t system_shared(const Warp& w, unsigned) { return w.block->system_shared; }

const std::unordered_map<std::string, Handlers>& table() {
  static const std::unordered_map<std::string, Handlers> t = {
      {"%tid.x", {&thread_x<std::uint16_t>, &thread_x<std::uint32_t>, &thread_x<std::uint64_t>}},
      {"%tid.y", make<&thread<1>, false>()},
      {"%tid.z", make<&thread<2>, false>()},
      {"%ntid.x", make<&threads<0>, true>()},
      {"%ntid.y", make<&threads<1>, true>()},
      {"%ntid.z", make<&threads<2>, true>()},
      {"%ctaid.x", make<&block<0>, true>()},
      {"%ctaid.y", make<&block<1>, true>()},
      {"%ctaid.z", make<&block<2>, true>()},
      {"%nctaid.x", make<&blocks<0>, true>()},
      {"%nctaid.y", make<&blocks<1>, true>()},
      {"%nctaid.z", make<&blocks<2>, true>()},
      {"%laneid", make<&lane_id, false>()},
      {"%warpid", make<&warp_id, true>()},
      {"%nwarpid", make<&warp_count, true>()},
      {"%smid", make<&sm_id, true>()},
      {"%nsmid", make<&sm_count, true>()},
      {"%envreg1", make<&workspace_high, true>()},
      {"%envreg2", make<&workspace_low, true>()},
      {"%gridid", make<&grid_id, true>()},
      {"%lanemask_eq", make<&mask_eq, false>()},
      {"%lanemask_lt", make<&mask_lt, false>()},
      {"%lanemask_le", make<&mask_le, false>()},
      {"%lanemask_gt", make<&mask_gt, false>()},
      {"%lanemask_ge", make<&mask_ge, false>()},
      {"%clock", make<&clock, true>()},
      {"%clock64", make<&clock, true>()},
      {"%clock_hi", make<&clock_high, true>()},
      {"%globaltimer", make<&global_timer, true>()},
      {"%globaltimer_lo", make<&global_timer, true>()},
      {"%globaltimer_hi", make<&global_timer_high, true>()},
      {"%reserved_smem_offset_1", make<&system_shared, true>()},
      {"%dynamic_smem_size", make<&dynamic_shared, true>()},
      {"%total_smem_size", make<&total_shared, true>()},
      {"%clusterid.x", make<&cluster_id<0>, true>()},
      {"%clusterid.y", make<&cluster_id<1>, true>()},
      {"%clusterid.z", make<&cluster_id<2>, true>()},
      {"%nclusterid.x", make<&clusters<0>, true>()},
      {"%nclusterid.y", make<&clusters<1>, true>()},
      {"%nclusterid.z", make<&clusters<2>, true>()},
      {"%cluster_ctaid.x", make<&cluster_block<0>, true>()},
      {"%cluster_ctaid.y", make<&cluster_block<1>, true>()},
      {"%cluster_ctaid.z", make<&cluster_block<2>, true>()},
      {"%cluster_nctaid.x", make<&cluster_blocks<0>, true>()},
      {"%cluster_nctaid.y", make<&cluster_blocks<1>, true>()},
      {"%cluster_nctaid.z", make<&cluster_blocks<2>, true>()},
      {"%cluster_ctarank", make<&cluster_rank, true>()},
      {"%cluster_nctarank", make<&cluster_size, true>()},
  };
  return t;
}

template <class T>
void local_frame_address(Warp& w, const Inst& in) {
  T* d = w.at<T>(in.op[0]);
  for (std::uint32_t m = w.mask; m; m &= m - 1) d[__builtin_ctz(m)] = T(in.imm + w.local);
}

void fence(Warp& w, const Inst& in) {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  if (!w.worker->checker) return;
  const FenceForm::Kind kind = FenceForm::of(in.imm).kind;
  if (kind == FenceForm::Kind::ProxyAsync || kind == FenceForm::Kind::ProxyAsyncGeneric)
    w.worker->checker->proxy_fence(w, w.mask);
  if (kind != FenceForm::Kind::ProxyAsync && kind != FenceForm::Kind::ProxyAlias) w.worker->checker->fence(w, in);
}

void barrier_result(Warp& w, const Inst& in) {
  const Barrier& b = w.block->barriers[w.at<std::uint32_t>(in.op[1])[__builtin_ctz(w.mask)] & 15];
  std::uint32_t* d = w.at<std::uint32_t>(in.op[0]);
  if (BarrierKind(in.imm) == BarrierKind::ReducePopc) {
    for (std::uint32_t m = w.mask; m; m &= m - 1) d[__builtin_ctz(m)] = b.last_popcount;
  } else {
    const bool v = BarrierKind(in.imm) == BarrierKind::ReduceAnd ? b.last_all : b.last_any;
    *d = (*d & ~w.mask) | (v ? w.mask : 0);
  }
}

// The callee's frame lay behind this one; its results are still there.
void collect_results(Warp& w, const Inst& in) {
  const DecodedProgram& program = *w.block->image->program;
  const CallSite& site = program.calls[in.imm];
  const char* callee = w.base[0] + program.functions[std::size_t(site.caller)].frame_bytes;
  for (const ArgumentCopy& c : site.results)
    for (std::uint32_t m = w.mask; m; m &= m - 1) {
      const unsigned lane = unsigned(__builtin_ctz(m));
      std::memcpy(w.base[0] + c.to + lane * c.to_stride, callee + c.from + lane * c.from_stride, c.bytes);
    }
}

}  // namespace

Handler special_register(const std::string& name, unsigned bits) {
  if (name == "%is_explicit_cluster") return bits == 1 ? &explicit_cluster : nullptr;
  auto found = table().find(name);
  if (found == table().end()) return nullptr;
  return bits == 16 ? found->second.h16 : bits == 32 ? found->second.h32 : bits == 64 ? found->second.h64 : nullptr;
}
Handler local_address(unsigned bits) {
  return bits == 32 ? &local_frame_address<std::uint32_t> : &local_frame_address<std::uint64_t>;
}
Handler fence_handler() { return &fence; }
Handler barrier_result_handler() { return &barrier_result; }
Handler collect_results_handler() { return &collect_results; }

}  // namespace ptxvm::exec
