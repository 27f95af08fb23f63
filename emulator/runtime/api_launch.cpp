// Kernel launches, and host functions in a stream.
#include <cuda_runtime_api.h>

#include "runtime/enqueue.hpp"
#include "runtime/launch.hpp"

namespace ptxvm::runtime {
namespace {

cudaError_t launch_kernel(const void* kernel, const LaunchShape& shape, void** arguments,
                          cudaStream_t stream) {
  return guarded([&] {
    launch(Modules::instance().function(kernel), shape, arguments, stream);
    return cudaSuccess;
  });
}

cudaError_t launch_extended(const cudaLaunchConfig_t* config, const void* kernel, void** arguments,
                            cudaStream_t stream) {
  return guarded([&] {
    launch(Modules::instance().function(kernel), shape_of(*config), arguments, stream);
    return cudaSuccess;
  });
}

cudaError_t launch_host_function(cudaStream_t stream, cudaHostFn_t function, void* data) {
  return guarded([&] {
    if (function == nullptr) return cudaErrorInvalidValue;
    counters().host_functions++;
    enqueue(stream, HostFunction{function, data});
    return cudaSuccess;
  });
}

LaunchShape plain(dim3 grid, dim3 block, std::size_t shared) {
  LaunchShape shape;
  shape.grid = grid;
  shape.block = block;
  shape.dynamic_shared = shared;
  return shape;
}
LaunchShape cooperative(dim3 grid, dim3 block, std::size_t shared) {
  LaunchShape shape = plain(grid, block, shared);
  shape.cooperative = true;
  return shape;
}

}  // namespace
}  // namespace ptxvm::runtime

using namespace ptxvm::runtime;

extern "C" {

cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void** arguments,
                               std::size_t shared, cudaStream_t stream) {
  return launch_kernel(kernel, plain(grid, block, shared), arguments, legacy(stream));
}

cudaError_t __cudaLaunchKernel_ptsz(cudaKernel_t kernel, dim3 grid, dim3 block, void** arguments,
                                    std::size_t shared, cudaStream_t stream) {
  return launch_kernel(kernel, plain(grid, block, shared), arguments, per_thread(stream));
}

cudaError_t cudaLaunchKernel(const void* kernel, dim3 grid, dim3 block, void** arguments, std::size_t shared,
                             cudaStream_t stream) {
  return launch_kernel(kernel, plain(grid, block, shared), arguments, legacy(stream));
}

cudaError_t cudaLaunchKernel_ptsz(const void* kernel, dim3 grid, dim3 block, void** arguments,
                                  std::size_t shared, cudaStream_t stream) {
  return launch_kernel(kernel, plain(grid, block, shared), arguments, per_thread(stream));
}

cudaError_t cudaLaunchCooperativeKernel(const void* kernel, dim3 grid, dim3 block, void** arguments,
                                        std::size_t shared, cudaStream_t stream) {
  return launch_kernel(kernel, cooperative(grid, block, shared), arguments, legacy(stream));
}

cudaError_t cudaLaunchCooperativeKernel_ptsz(const void* kernel, dim3 grid, dim3 block, void** arguments,
                                             std::size_t shared, cudaStream_t stream) {
  return launch_kernel(kernel, cooperative(grid, block, shared), arguments, per_thread(stream));
}

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* config, const void* kernel, void** arguments) {
  if (config == nullptr) return remember(cudaErrorInvalidValue);
  return launch_extended(config, kernel, arguments, legacy(config->stream));
}

cudaError_t cudaLaunchKernelExC_ptsz(const cudaLaunchConfig_t* config, const void* kernel, void** arguments) {
  if (config == nullptr) return remember(cudaErrorInvalidValue);
  return launch_extended(config, kernel, arguments, per_thread(config->stream));
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* data) {
  return launch_host_function(legacy(stream), function, data);
}

cudaError_t cudaLaunchHostFunc_ptsz(cudaStream_t stream, cudaHostFn_t function, void* data) {
  return launch_host_function(per_thread(stream), function, data);
}

}  // extern "C"
