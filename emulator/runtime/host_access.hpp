// Host code that follows a device pointer: a sentence before the signal's usual end.
#pragma once

namespace ptxvm::runtime {

// Once; later calls do nothing.
void watch_host_access();

}  // namespace ptxvm::runtime
