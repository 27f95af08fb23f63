// The one way into a stream.
#pragma once

#include <cuda_runtime_api.h>

#include "runtime/errors.hpp"
#include "runtime/scheduler.hpp"

namespace ptxvm::runtime {

// What stream 0 means: the entry points with _ptsz and _ptds are those of --default-stream per-thread.
inline cudaStream_t legacy(cudaStream_t stream) { return stream == nullptr ? cudaStreamLegacy : stream; }
inline cudaStream_t per_thread(cudaStream_t stream) {
  return stream == nullptr ? cudaStreamPerThread : stream;
}

// Puts work into the stream, and tells when it will be done; or into the graph that the stream is captured
// into, and then the moment has no stream.
Moment enqueue(cudaStream_t stream, Work work, std::optional<int> priority = std::nullopt);
// Lets what comes next in the stream wait.
void enqueue_wait(cudaStream_t stream, const Moment& moment);
// The host goes on when the work is done. Refused while the stream is captured.
void enqueue_and_wait(cudaStream_t stream, Work work);

// Refuses what would wait for a stream that is being captured.
void refuse_capture(const std::shared_ptr<Stream>& stream, const char* what);

// The host's waits. Return the sticky error where the device broke meanwhile.
cudaError_t wait_for(const std::vector<Moment>& moments);
cudaError_t wait_for_device();

}  // namespace ptxvm::runtime
