// __device__ and __constant__ variables by their names on the host.
#include <cuda_runtime_api.h>

#include <string>

#include "runtime/access.hpp"
#include "runtime/copy.hpp"
#include "runtime/enqueue.hpp"
#include "runtime/modules.hpp"

namespace ptxvm::runtime {

memory::Address inside_symbol(const void* symbol, std::size_t offset, std::size_t count) {
  const auto [address, size] = Modules::instance().variable(symbol);
  if (offset > size || count > size - offset) {
    refuse(cudaErrorInvalidValue, "copy of " + std::to_string(count) + " bytes at offset " +
                                      std::to_string(offset) + " of a variable of " + std::to_string(size) +
                                      " bytes");
  }
  return address + offset;
}

namespace {

cudaError_t to_symbol(const void* symbol, const void* from, std::size_t count, std::size_t offset,
                      cudaMemcpyKind kind, Waiting waiting, cudaStream_t stream) {
  return guarded([&] {
    return copy(line(inside_symbol(symbol, offset, count), address_of(from), count, kind), waiting, stream);
  });
}

cudaError_t from_symbol(void* to, const void* symbol, std::size_t count, std::size_t offset,
                        cudaMemcpyKind kind, Waiting waiting, cudaStream_t stream) {
  return guarded([&] {
    return copy(line(address_of(to), inside_symbol(symbol, offset, count), count, kind), waiting, stream);
  });
}

}  // namespace
}  // namespace ptxvm::runtime

using namespace ptxvm::runtime;

extern "C" {

cudaError_t cudaMemcpyToSymbol(const void* symbol, const void* from, std::size_t count, std::size_t offset,
                               cudaMemcpyKind kind) {
  return to_symbol(symbol, from, count, offset, kind, Waiting::Blocking, cudaStreamLegacy);
}

cudaError_t cudaMemcpyToSymbol_ptds(const void* symbol, const void* from, std::size_t count,
                                    std::size_t offset, cudaMemcpyKind kind) {
  return to_symbol(symbol, from, count, offset, kind, Waiting::Blocking, cudaStreamPerThread);
}

cudaError_t cudaMemcpyToSymbolAsync(const void* symbol, const void* from, std::size_t count,
                                    std::size_t offset, cudaMemcpyKind kind, cudaStream_t stream) {
  return to_symbol(symbol, from, count, offset, kind, Waiting::Async, legacy(stream));
}

cudaError_t cudaMemcpyToSymbolAsync_ptsz(const void* symbol, const void* from, std::size_t count,
                                         std::size_t offset, cudaMemcpyKind kind, cudaStream_t stream) {
  return to_symbol(symbol, from, count, offset, kind, Waiting::Async, per_thread(stream));
}

cudaError_t cudaMemcpyFromSymbol(void* to, const void* symbol, std::size_t count, std::size_t offset,
                                 cudaMemcpyKind kind) {
  return from_symbol(to, symbol, count, offset, kind, Waiting::Blocking, cudaStreamLegacy);
}

cudaError_t cudaMemcpyFromSymbol_ptds(void* to, const void* symbol, std::size_t count, std::size_t offset,
                                      cudaMemcpyKind kind) {
  return from_symbol(to, symbol, count, offset, kind, Waiting::Blocking, cudaStreamPerThread);
}

cudaError_t cudaMemcpyFromSymbolAsync(void* to, const void* symbol, std::size_t count, std::size_t offset,
                                      cudaMemcpyKind kind, cudaStream_t stream) {
  return from_symbol(to, symbol, count, offset, kind, Waiting::Async, legacy(stream));
}

cudaError_t cudaMemcpyFromSymbolAsync_ptsz(void* to, const void* symbol, std::size_t count,
                                           std::size_t offset, cudaMemcpyKind kind, cudaStream_t stream) {
  return from_symbol(to, symbol, count, offset, kind, Waiting::Async, per_thread(stream));
}

cudaError_t cudaGetSymbolAddress(void** out, const void* symbol) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    *out = reinterpret_cast<void*>(Modules::instance().variable(symbol).first);
    return cudaSuccess;
  });
}

cudaError_t cudaGetSymbolSize(std::size_t* out, const void* symbol) {
  return guarded([&] {
    if (out == nullptr) return cudaErrorInvalidValue;
    *out = Modules::instance().variable(symbol).second;
    return cudaSuccess;
  });
}

}  // extern "C"
