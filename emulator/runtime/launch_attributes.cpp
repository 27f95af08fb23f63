// What cudaLaunchKernelEx and kernel nodes may ask for beside the shape.
#include <string>

#include "runtime/errors.hpp"
#include "runtime/launch.hpp"

namespace ptxvm::runtime {

void set_attribute(cudaLaunchAttributeID id, const cudaLaunchAttributeValue& value, LaunchShape* shape) {
  switch (id) {
    case cudaLaunchAttributeClusterDimension:
      shape->cluster = dim3(value.clusterDim.x, value.clusterDim.y, value.clusterDim.z);
      return;
    case cudaLaunchAttributePreferredClusterDimension:
      shape->preferred_cluster =
          dim3(value.preferredClusterDim.x, value.preferredClusterDim.y, value.preferredClusterDim.z);
      return;
    case cudaLaunchAttributeCooperative:
      shape->cooperative = value.cooperative != 0;
      return;
    case cudaLaunchAttributePriority:
      shape->priority = value.priority;
      return;
    // Both events may come as late as the launch's end, which is when they come here.
    case cudaLaunchAttributeProgrammaticEvent:
      if (value.programmaticEvent.flags != 0)
        refuse(cudaErrorInvalidValue, "programmatic event: unknown flags");
      shape->recorded.push_back(value.programmaticEvent.event);
      return;
    case cudaLaunchAttributeLaunchCompletionEvent:
      if (value.launchCompletionEvent.flags != 0)
        refuse(cudaErrorInvalidValue, "launch completion event: unknown flags");
      shape->recorded.push_back(value.launchCompletionEvent.event);
      return;
    // Permissions and hints: here every launch begins after the one before it has ended, in one domain.
    case cudaLaunchAttributeIgnore:
    case cudaLaunchAttributeProgrammaticStreamSerialization:
    case cudaLaunchAttributeClusterSchedulingPolicyPreference:
    case cudaLaunchAttributePreferredSharedMemoryCarveout:
    case cudaLaunchAttributeAccessPolicyWindow:
    case cudaLaunchAttributeMemSyncDomainMap:
    case cudaLaunchAttributeMemSyncDomain:
    case cudaLaunchAttributeNvlinkUtilCentricScheduling:
      return;
    case cudaLaunchAttributeSynchronizationPolicy:
      refuse(cudaErrorInvalidValue, "a synchronisation policy belongs to a stream, not to a launch");
    case cudaLaunchAttributeDeviceUpdatableKernelNode:
      if (value.deviceUpdatableKernelNode.deviceUpdatable == 0) return;
      refuse(cudaErrorNotSupported, "kernel nodes that kernels update are not emulated");
    default:
      refuse(cudaErrorNotSupported, "launch attribute " + std::to_string(id) + " is not emulated");
  }
}

void get_attribute(cudaLaunchAttributeID id, const LaunchShape& shape, cudaLaunchAttributeValue* value) {
  *value = cudaLaunchAttributeValue{};
  switch (id) {
    case cudaLaunchAttributeClusterDimension:
      value->clusterDim.x = shape.cluster.x;
      value->clusterDim.y = shape.cluster.y;
      value->clusterDim.z = shape.cluster.z;
      return;
    case cudaLaunchAttributeCooperative:
      value->cooperative = shape.cooperative;
      return;
    case cudaLaunchAttributePriority:
      value->priority = shape.priority.value_or(0);
      return;
    default:
      refuse(cudaErrorNotSupported, "launch attribute " + std::to_string(id) + " of a node is not kept");
  }
}

}  // namespace ptxvm::runtime
