// The device memory behind a cooperative launch's grid-wide barrier.
#pragma once

#include <cstdint>
#include <cstring>

#include "memory/address_space.hpp"
#include "support/error.hpp"

namespace ptxvm::exec {

// What cooperative groups count a grid's arrivals in (driver_abi.h): the size of the workspace, then the barrier.
// Each launch has its own, so that two launches have nothing in common through it.
class GridWorkspace {
 public:
  GridWorkspace() {
    const auto found = memory::AddressSpace::instance().allocate(sizeof(Words), memory::Kind::ModuleVariable,
                                                                 "workspace of the grid-wide barrier");
    if (!found) throw Error(Status::OutOfMemory, "no device memory for the grid-wide barrier");
    base_ = found->base;
    const Words words{sizeof(Words), 0};
    std::memcpy(reinterpret_cast<void*>(base_ + std::uint64_t(found->delta)), &words, sizeof words);
  }
  ~GridWorkspace() { memory::AddressSpace::instance().release(base_); }
  GridWorkspace(const GridWorkspace&) = delete;
  GridWorkspace& operator=(const GridWorkspace&) = delete;
  std::uint64_t address() const { return base_; }

 private:
  struct Words {
    std::uint32_t size, barrier;
  };
  std::uint64_t base_ = 0;
};

}  // namespace ptxvm::exec
