// The groups of a warp's lanes: one runs, the others are parked; who waits for what, and who runs next.
#pragma once

#include <cstdint>

#include "exec/warp.hpp"

namespace ptxvm::exec {

struct CallSite;  // code/program.hpp

constexpr std::uint32_t kSlice = 2048;  // basic blocks before a parked group gets its turn
constexpr std::uint32_t kTurn = 256;    // basic blocks of that turn

// Lanes of the running frame wait at a place; those that wait there for the same thing already are joined.
void park(Warp& w, std::uint32_t pc, std::uint32_t mask, Group::State state = Group::State::Runnable,
          std::uint32_t barrier = 0, std::uint64_t generation = 0);

// Makes the next group active, or the one that has waited longest; false where none is runnable.
bool next_group(Warp& w, bool oldest);

// Lets the group that has waited longest run first.
void give_way(Warp& w);

// The member masks of a Collective, lane by lane.
const std::uint32_t* members(const Warp& w, const Inst& in, const char* frame);

// Lanes of a group at a Collective whose members are all here (exited lanes are not waited for).
std::uint32_t ready_lanes(Warp& w, const Inst& in, std::uint32_t here, char* frame);

// bar.warp.sync: its lanes may wait for each other at different places.
inline bool is_warp_barrier(const Inst& in) { return in.flow == Flow::Collective && in.aux == 1 && in.mask_op == 0; }

// Lanes that a bar.warp.sync lets go on together know each other's accesses: those of one member mask.
void tell_checker(Warp& w, std::uint32_t lanes, const std::uint32_t* members);

// barrier.cpp. The lanes of mask reach a barrier; true where that completes it.
bool arrive(Warp& w, const Inst& in, std::uint32_t mask, std::uint32_t* number);
void complete(Block& block, Barrier& b);

// calls.cpp. Lanes call a function (each its own, where the address is a register's) or return; the others wait behind it.
void enter(Warp& w, const Inst& in, std::uint32_t mask, int callee_number, const CallSite& site);
void enter_indirect(Warp& w, const Inst& in, std::uint32_t mask);
void leave(Warp& w, std::uint32_t mask);

}  // namespace ptxvm::exec
