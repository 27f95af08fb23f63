/// Owning handles over recur/device.h: buffers and streams. @file
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "recur/device.h"
#include "recur/error.hpp"

namespace recur {
/// A stream of its own, which does not wait for the default stream. Neither copied nor moved.
class Stream {
 public:
  Stream() { check(recur_stream_create(&stream_)); }  ///< recur_stream_create
  ~Stream() { recur_stream_destroy(stream_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  void synchronize() const { check(recur_stream_synchronize(stream_)); }  ///< waits for all that was enqueued
  operator recur_stream() const { return stream_; }  ///< what the calls take

 private:
  recur_stream stream_ = nullptr;
};

/// count elements of device memory. Copies are in stream order; to_host waits.
template <class T>
class DeviceBuffer {
 public:
  DeviceBuffer() = default;  ///< of no elements
  explicit DeviceBuffer(size_t count) : count_(count) {  ///< not initialised
    void* memory = nullptr;
    check(recur_device_allocate(&memory, count * sizeof(T)));
    data_ = static_cast<T*>(memory);
  }
  ~DeviceBuffer() { recur_device_free(data_); }
  DeviceBuffer(DeviceBuffer&& other) noexcept { swap(other); }  ///< takes the memory; other is empty
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept {  ///< exchanges the two
    swap(other);
    return *this;
  }

  T* data() const { return data_; }  ///< device memory, null where there are no elements
  size_t size() const { return count_; }  ///< elements
  size_t bytes() const { return count_ * sizeof(T); }  ///< what the sizes of workspaces are given in
  /// As many values as the buffer has, or Error. The vector has been read when this returns.
  void from_host(const std::vector<T>& values, recur_stream stream) {
    if (values.size() != count_) throw Error(RECUR_INVALID_ARGUMENT, "from_host: the vector's size is not the buffer's");
    check(recur_copy_to_device(data_, values.data(), bytes(), stream));
  }
  std::vector<T> to_host(recur_stream stream) const {  ///< waits until the values are there
    std::vector<T> values(count_);
    check(recur_copy_to_host(values.data(), data_, bytes(), stream));
    return values;
  }
  void set_zero(recur_stream stream) { check(recur_set_zero(data_, bytes(), stream)); }  ///< every byte 0

 private:
  void swap(DeviceBuffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
  }
  T* data_ = nullptr;
  size_t count_ = 0;
};
/// The current device, real or emulated.
inline std::string device_name() {
  char name[256];
  check(recur_device_name(name, sizeof name));
  return name;
}

}  // namespace recur
