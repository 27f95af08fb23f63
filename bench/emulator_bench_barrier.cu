// Barriers across blocks: of a cooperative grid and of clusters, by cooperative groups.
#include <cooperative_groups.h>
#include <cuda_runtime.h>

#include "emulator_bench.hpp"

namespace {

__global__ void grid_barriers(int rounds) {
  const cooperative_groups::grid_group grid = cooperative_groups::this_grid();
  for (int round = 0; round < rounds; ++round) grid.sync();
}

__global__ void cluster_barriers(int rounds) {
  const cooperative_groups::cluster_group cluster = cooperative_groups::this_cluster();
  for (int round = 0; round < rounds; ++round) cluster.sync();
}

}  // namespace

bool launch_grid_barriers(int blocks, int threads, int rounds) {
  void* arguments[] = {&rounds};
  return cudaLaunchCooperativeKernel(reinterpret_cast<const void*>(&grid_barriers), dim3(unsigned(blocks)), dim3(unsigned(threads)),
                                     arguments) == cudaSuccess;
}

bool launch_cluster_barriers(int clusters, int blocks, int threads, int rounds) {
  if (cudaFuncSetAttribute(cluster_barriers, cudaFuncAttributeNonPortableClusterSizeAllowed, 1) != cudaSuccess) return false;
  cudaLaunchAttribute size{};
  size.id = cudaLaunchAttributeClusterDimension;
  size.val.clusterDim.x = unsigned(blocks);
  size.val.clusterDim.y = size.val.clusterDim.z = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(unsigned(clusters * blocks));
  config.blockDim = dim3(unsigned(threads));
  config.attrs = &size;
  config.numAttrs = 1;
  return cudaLaunchKernelEx(&config, cluster_barriers, rounds) == cudaSuccess;
}
