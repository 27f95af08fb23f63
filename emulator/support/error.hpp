// One exception type for everything that the machine refuses, with the CUDA status it maps to.
#pragma once

#include <stdexcept>
#include <string>

namespace ptxvm {

// The values are cudaError_t's, so that the runtime need not translate.
enum class Status : int {
  InvalidValue = 1,
  OutOfMemory = 2,
  InitializationError = 3,
  InvalidConfiguration = 9,
  InvalidDeviceFunction = 98,
  InvalidKernelImage = 200,
  InvalidPtx = 218,
  UnsupportedPtxVersion = 222,
  AssertTriggered = 710,
  IllegalAddress = 700,
  LaunchOutOfResources = 701,
  LaunchTimeout = 702,
  HardwareStackError = 714,
  IllegalInstruction = 715,
  MisalignedAddress = 716,
  InvalidAddressSpace = 717,
  InvalidPc = 718,
  LaunchFailure = 719,
  CooperativeLaunchTooLarge = 720,
  NotSupported = 801,
};

class Error : public std::runtime_error {
 public:
  Error(Status status, const std::string& message) : std::runtime_error(message), status_(status) {}
  Status status() const { return status_; }

 private:
  Status status_;
};

}  // namespace ptxvm
