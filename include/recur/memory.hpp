// Owning handles over recur/device.h: buffers and streams.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "recur/device.h"
#include "recur/error.hpp"

namespace recur {

class Stream {
 public:
  Stream() { check(recur_stream_create(&stream_)); }
  ~Stream() { recur_stream_destroy(stream_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  void synchronize() const { check(recur_stream_synchronize(stream_)); }
  operator recur_stream() const { return stream_; }

 private:
  recur_stream stream_ = nullptr;
};

// count elements of device memory. Copies are in stream order; to_host waits.
template <class T>
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  explicit DeviceBuffer(size_t count) : count_(count) {
    void* memory = nullptr;
    check(recur_device_allocate(&memory, count * sizeof(T)));
    data_ = static_cast<T*>(memory);
  }
  ~DeviceBuffer() { recur_device_free(data_); }
  DeviceBuffer(DeviceBuffer&& other) noexcept { swap(other); }
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept {
    swap(other);
    return *this;
  }

  T* data() const { return data_; }
  size_t size() const { return count_; }
  size_t bytes() const { return count_ * sizeof(T); }

  void from_host(const std::vector<T>& values, recur_stream stream) {
    if (values.size() != count_) throw Error(RECUR_INVALID_ARGUMENT, "from_host: the vector's size is not the buffer's");
    check(recur_copy_to_device(data_, values.data(), bytes(), stream));
  }
  std::vector<T> to_host(recur_stream stream) const {
    std::vector<T> values(count_);
    check(recur_copy_to_host(values.data(), data_, bytes(), stream));
    return values;
  }
  void set_zero(recur_stream stream) { check(recur_set_zero(data_, bytes(), stream)); }

 private:
  void swap(DeviceBuffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
  }
  T* data_ = nullptr;
  size_t count_ = 0;
};

inline std::string device_name() {
  char name[256];
  check(recur_device_name(name, sizeof name));
  return name;
}

}  // namespace recur
