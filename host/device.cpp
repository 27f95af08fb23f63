// Device memory, streams and copies for programs without the CUDA headers (recur/device.h).
#include "recur/device.h"

#include <cstring>

#include "arguments.hpp"
#include "check.hpp"

using recur::guard;
using recur::require_not_null;

recur_status recur_device_allocate(void** memory, size_t bytes) {
  return guard([&] {
    require_not_null("memory", memory);
    *memory = nullptr;
    if (bytes > 0) RECUR_CUDA(cudaMalloc(memory, bytes));
  });
}

recur_status recur_device_free(void* memory) {
  return guard([&] { RECUR_CUDA(cudaFree(memory)); });
}

recur_status recur_stream_create(recur_stream* stream) {
  return guard([&] {
    require_not_null("stream", stream);
    *stream = nullptr;
    RECUR_CUDA(cudaStreamCreateWithFlags(stream, cudaStreamNonBlocking));
  });
}

recur_status recur_stream_destroy(recur_stream stream) {
  return guard([&] {
    if (stream != nullptr) RECUR_CUDA(cudaStreamDestroy(stream));
  });
}

recur_status recur_stream_synchronize(recur_stream stream) {
  return guard([&] { RECUR_CUDA(cudaStreamSynchronize(stream)); });
}

recur_status recur_copy_to_device(void* device, const void* host, size_t bytes, recur_stream stream) {
  return guard([&] {
    if (bytes == 0) return;
    recur::require_device("device", device, 1);
    require_not_null("host", host);
    RECUR_CUDA(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, stream));
  });
}

recur_status recur_copy_to_host(void* host, const void* device, size_t bytes, recur_stream stream) {
  return guard([&] {
    if (bytes == 0) return;
    require_not_null("host", host);
    recur::require_device("device", device, 1);
    RECUR_CUDA(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, stream));
    RECUR_CUDA(cudaStreamSynchronize(stream));
  });
}

recur_status recur_copy_on_device(void* to, const void* from, size_t bytes, recur_stream stream) {
  return guard([&] {
    if (bytes == 0) return;
    recur::require_device("to", to, 1);
    recur::require_device("from", from, 1);
    RECUR_CUDA(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream));
  });
}

recur_status recur_set_zero(void* device, size_t bytes, recur_stream stream) {
  return guard([&] {
    if (bytes == 0) return;
    recur::require_device("device", device, 1);
    RECUR_CUDA(cudaMemsetAsync(device, 0, bytes, stream));
  });
}

recur_status recur_device_name(char* name, size_t size) {
  return guard([&] {
    require_not_null("name", name);
    recur::require_range("size", static_cast<int64_t>(size), 1, int64_t{1} << 20);
    int device = 0;
    cudaDeviceProp properties;
    RECUR_CUDA(cudaGetDevice(&device));
    RECUR_CUDA(cudaGetDeviceProperties(&properties, device));
    std::strncpy(name, properties.name, size - 1);
    name[size - 1] = 0;
  });
}
