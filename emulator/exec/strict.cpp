#include "exec/strict.hpp"

#include "exec/ops/space.hpp"
#include "support/error.hpp"
#include "support/format.hpp"
#include "support/settings.hpp"

namespace ptxvm::exec {
namespace {

std::uint64_t draw(std::uint64_t& state) { return mixed(state++); }

// Instructions until the next parting: some blocks part often, some rarely.
std::uint32_t interval(Warp& w) { return 1 + std::uint32_t(draw(w.draws) % (std::uint64_t{8} << 2 * (w.block->draws % 3))); }

// Some of the active lanes, not all of them.
std::uint32_t some_of(std::uint32_t active, std::uint64_t bits) {
  const std::uint32_t random = std::uint32_t(bits >> 32), kind = bits & 3;
  std::uint32_t lane = active;  // one lane, drawn
  for (std::uint32_t n = random % std::uint32_t(__builtin_popcount(active)); n > 0; --n) lane &= lane - 1;
  lane &= ~lane + 1;
  std::uint32_t chosen = kind == 0 ? random & active : kind == 1 ? lane : kind == 2 ? active & ~lane : active & (lane - 1);
  if (chosen == 0 || chosen == active) chosen = lane;
  return chosen;
}

void check_alignment(Warp& w, const Inst& in) {
  for (std::uint32_t m = w.mask; m; m &= m - 1) {
    const unsigned lane = unsigned(__builtin_ctz(m));
    const std::uint64_t address = in.aux & kAddress32
                                      ? std::uint32_t(w.at<std::uint32_t>(in.op[0])[lane] + std::uint32_t(in.imm))
                                      : w.at<std::uint64_t>(in.op[0])[lane] + in.imm;
    if (address % in.op[1] != 0)
      fault(w, in, lane, int(Status::MisalignedAddress),
            format("misaligned: %u-byte access to address 0x%llx", in.op[1], static_cast<unsigned long long>(address)));
  }
}

}  // namespace

Liberty take_liberty(Warp& w, const Inst& in, std::uint32_t mask) {
  Liberty l;
  if (in.aux == kMayWait) {
    l.wait = mask != 0 && draw(w.draws) % 2 == 0;
    return l;
  }
  if (--w.parting_in != 0) return l;
  w.parting_in = interval(w);
  const std::uint64_t bits = draw(w.draws);
  l.wait = (bits >> 8) % 4 == 0;
  if ((w.active & (w.active - 1)) == 0) return l;
  l.aside = some_of(w.active, bits);
  l.turn = bits & 4 ? 1 + std::uint32_t(bits >> 3) % 32 : 0;
  return l;
}

void begin_draws(Block& block) {
  if (!strict().any()) return;
  block.draws = mixed(mixed(seed() + 0x100 * block.image->launch_id) ^ block.linear);
  for (Warp& w : block.warps) {
    w.draws = mixed(block.draws + w.index + 1);
    w.parting_in = interval(w);
  }
}

std::size_t place_in_line(Block& block, std::size_t length) {
  return strict().any() ? draw(block.draws) % length : length - 1;
}

Turns::Turns(Block& block, std::int64_t budget, int rounds)
    : block_(block), drawn_(strict().any()), budget_(budget), rounds_(rounds) {
  if (drawn_) rounds_ = 1 + int(draw(block_.draws) % 8);
}

void Turns::begin_round() {
  if (!drawn_) return;
  const std::uint64_t bits = draw(block_.draws);
  first_ = std::uint32_t(bits >> 1) % block_.warp_count;
  backwards_ = bits & 1;
}

std::uint32_t Turns::place(std::uint32_t k) const {
  const std::uint32_t n = block_.warp_count;
  return (backwards_ ? first_ + n - k : first_ + k) % n;
}

// From one basic block to the usual number, each power of two as likely.
std::int64_t Turns::budget() {
  return drawn_ ? budget_ >> draw(block_.draws) % 13 : budget_;
}

Handler alignment_handler() { return &check_alignment; }

}  // namespace ptxvm::exec
