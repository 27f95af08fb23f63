// Launches of emulator_bench that lie in files of their own, for compilation's sake. All return whether all went well.
#pragma once

#include <cstddef>
#include <cstdint>

// c [128,128] += a b: a's 128 x 16 and b's 16 x 128 a round through shared memory, 8 x 8 of c a thread, `blocks` times.
bool launch_tile_product(const float* a, const float* b, float* c, int blocks, int rounds);

// `count` keys by CUB's radix sort, from `from` to `to`, with `workspace` of at least sort_workspace(count) bytes.
std::size_t sort_workspace(int count);
bool launch_sort(const std::uint32_t* from, std::uint32_t* to, int count, void* workspace, std::size_t bytes);

// `rounds` barriers of a cooperative grid; of each of `clusters` clusters.
bool launch_grid_barriers(int blocks, int threads, int rounds);
bool launch_cluster_barriers(int clusters, int blocks, int threads, int rounds);
