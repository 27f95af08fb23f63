// CUB's radix sort with its own tuning: what others' code full of warp tricks takes.
#include "emulator_bench.hpp"

#include <cub/device/device_radix_sort.cuh>

std::size_t sort_workspace(int count) {
  std::size_t bytes = 0;
  cub::DeviceRadixSort::SortKeys(nullptr, bytes, static_cast<const std::uint32_t*>(nullptr), static_cast<std::uint32_t*>(nullptr), count);
  return bytes;
}

bool launch_sort(const std::uint32_t* from, std::uint32_t* to, int count, void* workspace, std::size_t bytes) {
  return cub::DeviceRadixSort::SortKeys(workspace, bytes, from, to, count) == cudaSuccess;
}
