// A call recorded into a CUDA graph must do what it does when made directly, whatever its buffers then hold,
// and a call that is refused must leave the recording whole.
#pragma once

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <list>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "recur/memory.hpp"
#include "recur/status.h"
#include "tests/support/element.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/random_fill.hpp"

namespace recur::test {

// The buffers of a call, by name, and two sets of data for them: the addresses stay when the data changes.
class CallBuffers {
 public:
  using Bytes = std::vector<unsigned char>;
  using Contents = std::vector<Bytes>;

  // Buffers of floats and of 16-bit floats begin `skip` elements after a multiple of 256 bytes.
  explicit CallBuffers(size_t skip = 0) : skip_(skip) {}

  // Random numbers, others in each set. Outputs too: a call that adds to them, or leaves a part, shows.
  float* floats(const char* name, size_t count, double scale = 1) {
    const uint64_t seed = 2 * buffers_.size() + 1;
    return values(name, random_fill(count, seed, scale), random_fill(count, seed + 1, scale));
  }
  // The same of any type of the library's.
  void* typed(recur_type type, const char* name, size_t count, double scale = 1) {
    if (element_size(type) == sizeof(float)) return floats(name, count, scale);
    std::vector<uint16_t> sets[2];
    for (uint64_t set = 0; set < 2; ++set) {
      for (float value : random_fill(count, 2 * buffers_.size() + 1 + set, scale)) {
        uint16_t bits = 0;
        to_bits(type, rounded(type, value), reinterpret_cast<unsigned char*>(&bits));
        sets[set].push_back(bits);
      }
    }
    return values(name, sets[0], sets[1]);
  }
  // Integers from low up to limit, limit excluded.
  int32_t* integers(const char* name, size_t count, int64_t low, int64_t limit) {
    const std::vector<float> random[2] = {random_fill(count, 2 * buffers_.size() + 1, 0.5),
                                          random_fill(count, 2 * buffers_.size() + 2, 0.5)};
    std::vector<int32_t> sets[2];
    for (int set = 0; set < 2; ++set) {
      for (float r : random[set])
        sets[set].push_back(int32_t(low + int64_t((double(r) + 0.5) * double(limit - low))));
    }
    return values(name, sets[0], sets[1]);
  }
  template <class T>
  T* values(const char* name, const std::vector<T>& first, const std::vector<T>& second) {
    const size_t skip = std::is_same_v<T, float> || std::is_same_v<T, uint16_t> ? skip_ * sizeof(T) : 0;
    buffers_.push_back({name,
                        GuardedBuffer<unsigned char>(first.size() * sizeof(T), skip),
                        {bytes_of(first), bytes_of(second)},
                        true});
    return reinterpret_cast<T*>(buffers_.back().memory.get());
  }
  // Scratch memory, filled with NaN before each call; what it holds after is nobody's business.
  void* workspace(size_t bytes) { return scratch("workspace", bytes, false); }
  // What one call leaves to the next.
  void* reserve(size_t bytes) { return scratch("reserve", bytes, true); }

  void load(int set) {
    for (Buffer& buffer : buffers_) buffer.memory.upload(buffer.data[set]);
  }
  Contents contents() const {
    Contents all;
    for (const Buffer& buffer : buffers_) all.push_back(buffer.compared ? buffer.memory.download() : Bytes());
    return all;
  }
  // The names of the buffers in which both differ.
  std::string difference(const Contents& a, const Contents& b) const {
    std::string names;
    size_t k = 0;
    for (const Buffer& buffer : buffers_) {
      if (a[k] != b[k]) names += (names.empty() ? "" : ", ") + buffer.name;
      ++k;
    }
    return names;
  }
  std::string damage() const {
    std::string report;
    for (const Buffer& buffer : buffers_) {
      const std::string text = buffer.memory.damage();
      if (!text.empty()) report += buffer.name + ": " + text + "; ";
    }
    return report;
  }

 private:
  struct Buffer {
    std::string name;
    GuardedBuffer<unsigned char> memory;
    Bytes data[2];
    bool compared;
  };

  template <class T>
  static Bytes bytes_of(const std::vector<T>& values) {
    Bytes bytes(values.size() * sizeof(T));
    if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
  }
  void* scratch(const char* name, size_t bytes, bool compared) {
    const Bytes fill(bytes, 0xFF);
    buffers_.push_back({name, GuardedBuffer<unsigned char>(bytes), {fill, fill}, compared});
    return buffers_.back().memory.get();
  }

  size_t skip_;
  std::list<Buffer> buffers_;
};

// Records what `calls` enqueues on the stream; expects the recording to be valid still, and ends it.
class RecordedGraph {
 public:
  template <class Calls>
  RecordedGraph(cudaStream_t stream, Calls&& calls) : stream_(stream) {
    check_cuda(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), "cudaStreamBeginCapture");
    calls();
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    EXPECT_EQ(cudaStreamIsCapturing(stream, &status), cudaSuccess);
    EXPECT_EQ(status, cudaStreamCaptureStatusActive);
    cudaGraph_t graph = nullptr;
    check_cuda(cudaStreamEndCapture(stream, &graph), "cudaStreamEndCapture");
    const cudaError_t error = cudaGraphInstantiate(&executable_, graph, 0);
    cudaGraphDestroy(graph);
    check_cuda(error, "cudaGraphInstantiate");
  }
  RecordedGraph(const RecordedGraph&) = delete;
  RecordedGraph& operator=(const RecordedGraph&) = delete;
  ~RecordedGraph() { cudaGraphExecDestroy(executable_); }

  void launch() const {
    check_cuda(cudaGraphLaunch(executable_, stream_), "cudaGraphLaunch");
    check_cuda(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
  }

 private:
  cudaStream_t stream_;
  cudaGraphExec_t executable_ = nullptr;
};

// One kind of call, its arguments, and changes to them that it must refuse.
template <class Args>
struct CapturedCall {
  CallBuffers& buffers;
  Args args;  // without a stream
  std::function<recur_status(const Args*)> call;
  std::vector<std::pair<recur_status, std::function<void(Args&)>>> refused;
  std::function<void(cudaStream_t)> prepare = {};  // what else must have run on the buffers first

  void expect_replays_like_direct_calls() {
    const Stream stream;
    args.stream = stream;
    const auto load = [&](int set) {
      buffers.load(set);
      if (prepare) prepare(stream);
      check_cuda(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
    };

    // Directly: once on each set of data; and twice on the first, where the second call finds what the first
    // left. On a GPU this also loads the kernels.
    CallBuffers::Contents before[2], once[2];
    for (int set = 0; set < 2; ++set) {
      load(set);
      before[set] = buffers.contents();
      make();
      once[set] = buffers.contents();
      EXPECT_NE(buffers.difference(before[set], once[set]), "") << "the call does nothing";
    }
    EXPECT_NE(buffers.difference(once[0], once[1]), "") << "the data does not matter";
    load(0);
    make();
    make();
    const CallBuffers::Contents twice = buffers.contents();

    load(0);
    const RecordedGraph graph(stream, [&] { make(); });
    EXPECT_EQ(buffers.difference(buffers.contents(), before[0]), "") << "recording alone changed it";
    graph.launch();
    EXPECT_EQ(buffers.difference(buffers.contents(), once[0]), "") << "first replay";
    graph.launch();
    EXPECT_EQ(buffers.difference(buffers.contents(), twice), "") << "replay on its own results";
    load(1);
    graph.launch();
    EXPECT_EQ(buffers.difference(buffers.contents(), once[1]), "") << "replay on other data";
    load(0);
    graph.launch();
    EXPECT_EQ(buffers.difference(buffers.contents(), once[0]), "") << "replay on the first data again";

    // Refused calls alone make a graph that does nothing; around a good one they leave no trace.
    load(0);
    const RecordedGraph nothing(stream, [&] { make_refused(stream); });
    nothing.launch();
    EXPECT_EQ(buffers.difference(buffers.contents(), before[0]), "") << "after refused calls alone";
    const RecordedGraph one(stream, [&] {
      make_refused(stream);
      make();
      make_refused(stream);
    });
    one.launch();
    EXPECT_EQ(buffers.difference(buffers.contents(), once[0]), "") << "among refused calls";
    EXPECT_EQ(buffers.damage(), "");
  }

 private:
  void make() const { ASSERT_EQ(call(&args), RECUR_SUCCESS) << recur_last_error(); }

  // After each, the recording goes on and no error waits for the caller's next CUDA call.
  void make_refused(cudaStream_t stream) const {
    const auto expect_recording = [&] {
      cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
      EXPECT_EQ(cudaPeekAtLastError(), cudaSuccess);
      EXPECT_EQ(cudaStreamIsCapturing(stream, &status), cudaSuccess);
      EXPECT_EQ(status, cudaStreamCaptureStatusActive);
    };
    EXPECT_EQ(call(nullptr), RECUR_INVALID_ARGUMENT);
    expect_recording();
    for (size_t k = 0; k < refused.size(); ++k) {
      SCOPED_TRACE("refused call " + std::to_string(k));
      Args changed = args;
      refused[k].second(changed);
      EXPECT_EQ(call(&changed), refused[k].first) << recur_last_error();
      EXPECT_STRNE(recur_last_error(), "");
      expect_recording();
    }
  }
};

}  // namespace recur::test
