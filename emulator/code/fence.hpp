// Inst::imm of a fence: what it orders beside what Inst::sem says.
#pragma once

#include <cstdint>

namespace ptxvm::exec {

struct FenceForm {
  enum class Kind : std::uint8_t {
    Thread,            // fence.sem.scope, membar
    SyncRestrict,      // the same for the accesses that barriers in `memory` synchronise
    MbarrierInit,      // fence.mbarrier_init.release.cluster
    ProxyAlias,        // between virtual addresses of one place
    ProxyAsync,        // between the generic and the asynchronous proxy, both ways, for `memory`
    ProxyAsyncGeneric  // one way, restricted to barriers in `memory`
  };
  enum class Memory : std::uint8_t { All, Global, SharedOfBlock, SharedOfCluster };
  Kind kind = Kind::Thread;
  Memory memory = Memory::All;

  constexpr std::uint64_t encode() const { return std::uint64_t(kind) | std::uint64_t(memory) << 8; }
  static constexpr FenceForm of(std::uint64_t bits) { return {Kind(bits & 255), Memory(bits >> 8 & 255)}; }
};

}  // namespace ptxvm::exec
