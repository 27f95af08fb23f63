#include "runtime/launch.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "runtime/enqueue.hpp"
#include "runtime/event.hpp"

namespace ptxvm::runtime {
namespace {

std::string text(const dim3& d) {
  return "(" + std::to_string(d.x) + ", " + std::to_string(d.y) + ", " + std::to_string(d.z) + ")";
}

std::uint64_t volume(const dim3& d) { return std::uint64_t{d.x} * d.y * d.z; }

exec::Dim3 machine(const dim3& d) { return {d.x, d.y, d.z}; }

void check_shape(const exec::KernelInfo& info, const LaunchShape& s) {
  const auto bad = [&](const std::string& what) {
    refuse(cudaErrorInvalidConfiguration, info.name + ": " + what);
  };
  if (volume(s.grid) == 0 || s.grid.x > 0x7FFFFFFFu || s.grid.y > 65535 || s.grid.z > 65535)
    bad("a grid of " + text(s.grid) + " blocks");
  if (volume(s.block) == 0 || s.block.x > 1024 || s.block.y > 1024 || s.block.z > 64 ||
      volume(s.block) > 1024)
    bad("a block of " + text(s.block) + " threads");
  if (volume(s.block) > info.max_threads) {
    refuse(cudaErrorInvalidValue, info.name + ": a block of " + std::to_string(volume(s.block)) +
                                      " threads, but its launch bounds allow " +
                                      std::to_string(info.max_threads));
  }
}

void check_shared(const Function& function, const exec::KernelInfo& info, const LaunchShape& s) {
  const std::uint64_t allowed = allowed_dynamic_shared(function, info);
  if (s.dynamic_shared <= allowed) return;
  refuse(cudaErrorInvalidValue, info.name + ": " + std::to_string(s.dynamic_shared) +
                                    " bytes of dynamic shared memory, but " + std::to_string(allowed) +
                                    " are allowed (more needs cudaFuncAttributeMaxDynamicSharedMemorySize)");
}

std::vector<std::byte> pack(const exec::KernelInfo& info, void** arguments) {
  std::vector<std::byte> packed(info.parameter_bytes);
  if (arguments == nullptr && !info.parameters.empty()) {
    refuse(cudaErrorInvalidValue, info.name + ": null in place of the array of its " +
                                      std::to_string(info.parameters.size()) + " arguments");
  }
  for (std::size_t i = 0; i < info.parameters.size(); i++) {
    const exec::Parameter& p = info.parameters[i];
    if (arguments[i] == nullptr)
      refuse(cudaErrorInvalidValue,
             info.name + ": null in place of the address of argument " + std::to_string(i));
    std::memcpy(packed.data() + p.offset, arguments[i], p.size);
  }
  return packed;
}

// A wish: the clusters that are run are the smaller ones, which it must be made of.
void check_preferred_cluster(const exec::KernelInfo& info, const exec::Dim3& cluster, const LaunchShape& s) {
  const dim3& p = s.preferred_cluster;
  if (p.x == 0) return;
  if (volume(s.cluster) == 0 || volume(p) == 0 || p.x % cluster.x != 0 || p.y % cluster.y != 0 ||
      p.z % cluster.z != 0)
    refuse(cudaErrorInvalidValue,
           info.name + ": a preferred cluster of " + text(p) + " blocks is no multiple of the cluster");
}

}  // namespace

device::BlockNeeds needs_of(const exec::KernelInfo& info, std::uint32_t threads,
                            std::uint64_t dynamic_shared) {
  return {threads, info.registers, info.static_shared + dynamic_shared};
}

std::uint64_t allowed_dynamic_shared(const Function& function, const exec::KernelInfo& info) {
  const int asked = function.max_dynamic_shared;
  if (asked >= 0) return static_cast<std::uint64_t>(asked);
  const std::uint64_t usual = device::current().shared_per_block;
  return usual > info.static_shared ? usual - info.static_shared : 0;
}

LaunchShape shape_of(const cudaLaunchConfig_t& config) {
  if (config.attrs == nullptr && config.numAttrs > 0)
    refuse(cudaErrorInvalidValue,
           "null in place of " + std::to_string(config.numAttrs) + " launch attributes");
  LaunchShape shape;
  shape.grid = config.gridDim;
  shape.block = config.blockDim;
  shape.dynamic_shared = config.dynamicSmemBytes;
  for (unsigned i = 0; i < config.numAttrs; i++)
    set_attribute(config.attrs[i].id, config.attrs[i].val, &shape);
  return shape;
}

LaunchShape shape_of(const Launch& launch) {
  const exec::Request& r = launch.request;
  const auto cuda = [](const exec::Dim3& d) { return dim3(d.x, d.y, d.z); };
  LaunchShape shape;
  shape.grid = cuda(r.grid);
  shape.block = cuda(r.block);
  shape.dynamic_shared = r.dynamic_shared;
  shape.cluster = r.cluster.count() > 1 ? cuda(r.cluster) : dim3(0, 0, 0);
  shape.cooperative = r.cooperative;
  return shape;
}

exec::Dim3 cluster_of(const Function& function, const exec::KernelInfo& info, const LaunchShape& s) {
  const std::uint32_t* compiled = info.required_cluster;
  dim3 required(compiled[0], compiled[1], compiled[2]);
  if (required.x == 0) required = dim3(function.cluster[0], function.cluster[1], function.cluster[2]);
  dim3 c = volume(s.cluster) != 0 ? s.cluster : required;
  if (c.x == 0) return {1, 1, 1};
  c.y = std::max(c.y, 1u);
  c.z = std::max(c.z, 1u);
  const std::string name = info.name + ": a cluster of " + text(c) + " blocks";
  if (compiled[0] != 0 && (c.x != compiled[0] || c.y != compiled[1] || c.z != compiled[2]))
    refuse(cudaErrorInvalidClusterSize, name + ", but it is compiled for " + text(required));
  if (info.max_cluster != 0 && volume(c) > info.max_cluster)
    refuse(cudaErrorInvalidClusterSize, name + ", but its launch bounds allow " + std::to_string(info.max_cluster));
  if (volume(c) == 1) return {1, 1, 1};
  const device::Profile& profile = device::current();
  if (profile.max_cluster == 0) refuse(cudaErrorNotSupported, name + ": the device has no clusters");
  const std::uint32_t most = function.non_portable_cluster ? profile.max_cluster : profile.portable_cluster;
  if (volume(c) > most) {
    refuse(
        cudaErrorInvalidClusterSize,
        name + ", but " + std::to_string(most) + " are allowed" +
            (volume(c) <= profile.max_cluster ? " (more needs cudaFuncAttributeNonPortableClusterSizeAllowed)"
                                              : ""));
  }
  if (s.grid.x % c.x != 0 || s.grid.y % c.y != 0 || s.grid.z % c.z != 0)
    refuse(cudaErrorInvalidConfiguration, name + " does not divide a grid of " + text(s.grid));
  return machine(c);
}

Launch prepare(Function& function, const LaunchShape& s, void** arguments) {
  Launch work;
  work.function = &function;
  exec::Request& request = work.request;
  const exec::KernelInfo& info = function.info(&request.program);
  // As where a driver cannot compile it: the device is none the worse for it.
  if (const std::string why = request.program->refusal(function.name); !why.empty()) refuse(cudaErrorInvalidPtx, why);
  check_shape(info, s);
  check_shared(function, info, s);
  request.cluster = cluster_of(function, info, s);
  check_preferred_cluster(info, request.cluster, s);
  request.explicit_cluster = volume(s.cluster) != 0 || info.required_cluster[0] != 0 || function.cluster[0] != 0;

  const device::Profile& profile = device::current();
  const auto needs = needs_of(info, static_cast<std::uint32_t>(volume(s.block)), s.dynamic_shared);
  const std::uint32_t resident = device::resident_blocks(profile, needs);
  if (resident == 0) {
    refuse(cudaErrorLaunchOutOfResources,
           info.name + ": one block needs more than a multiprocessor has: " + std::to_string(needs.threads) +
               " threads of " + std::to_string(needs.registers) + " registers, " +
               std::to_string(needs.shared) + " bytes of shared memory");
  }
  const auto cluster = static_cast<std::uint32_t>(request.cluster.count());
  std::uint64_t room = std::uint64_t{resident} * profile.multiprocessors();
  if (cluster > 1) room = std::uint64_t{device::resident_clusters(profile, needs, cluster)} * cluster;
  if (room == 0)
    refuse(cudaErrorInvalidClusterSize, info.name + ": no part of the device holds a whole cluster");
  if (s.cooperative && volume(s.grid) > room) {
    refuse(cudaErrorCooperativeLaunchTooLarge, info.name + ": a cooperative grid of " +
                                                   std::to_string(volume(s.grid)) + " blocks, but " +
                                                   std::to_string(room) + " are resident at a time");
  }

  request.kernel = function.name;
  request.grid = machine(s.grid);
  request.block = machine(s.block);
  request.dynamic_shared = static_cast<std::uint32_t>(s.dynamic_shared);
  request.parameters = pack(info, arguments);
  request.cooperative = s.cooperative;
  work.limits.target = profile.target;
  work.limits.multiprocessors = profile.multiprocessors();
  work.limits.resident_blocks = resident;
  work.limits.gpcs = profile.gpcs;
  work.limits.shared_bytes = profile.shared_per_block_optin;
  work.limits.clock_khz = profile.clock_khz;
  work.limits.most_warps = profile.threads_per_multiprocessor / profile.warp;
  work.limits.device = profile.name;
  static const model::Machine machine = model::machine(profile);
  work.limits.machine = machine;
  return work;
}

void launch(Function& function, const LaunchShape& shape, void** arguments, cudaStream_t stream) {
  Launch work = prepare(function, shape, arguments);
  for (cudaEvent_t event : shape.recorded) check_untimed(event);
  counters().launches++;
  enqueue(stream, std::move(work), shape.priority);
  for (cudaEvent_t event : shape.recorded) record_event(event, stream);
}

}  // namespace ptxvm::runtime
