#include <vector>

#include "fixture.hpp"

namespace {

class GraphApi : public Runtime {
 protected:
  void SetUp() override {
    Runtime::SetUp();
    s_ = stream(cudaStreamNonBlocking);
    t_ = stream(cudaStreamNonBlocking);
  }
  // Counts in host memory, in the stream's order.
  static void step(cudaStream_t stream, int* counter) {
    CUDA(cudaLaunchHostFunc(
        stream, [](void* c) { ++*static_cast<int*>(c); }, counter));
  }
  static cudaGraphExec_t executable(cudaGraph_t graph) {
    cudaGraphExec_t exec = nullptr;
    CUDA(cudaGraphInstantiate(&exec, graph, 0));
    return exec;
  }
  cudaStream_t s_ = nullptr, t_ = nullptr;
};

TEST_F(GraphApi, IsRecordedNotRunAndThenRunAsOftenAsLaunched) {
  int counter = 0;
  int* p = pinned<int>(2);
  void* d = device(4);
  CUDA(cudaStreamBeginCapture(s_, cudaStreamCaptureModeGlobal));
  cudaStreamCaptureStatus status;
  CUDA(cudaStreamIsCapturing(s_, &status));
  EXPECT_EQ(status, cudaStreamCaptureStatusActive);
  step(s_, &counter);
  CUDA(cudaMemcpyAsync(d, p, 4, cudaMemcpyHostToDevice, s_));
  CUDA(cudaMemcpyAsync(p + 1, d, 4, cudaMemcpyDeviceToHost, s_));
  CUDA(cudaMemsetAsync(d, 0, 4, s_));
  cudaGraph_t graph = nullptr;
  CUDA(cudaStreamEndCapture(s_, &graph));
  CUDA(cudaStreamIsCapturing(s_, &status));
  EXPECT_EQ(status, cudaStreamCaptureStatusNone);
  const cudaGraphExec_t exec = executable(graph);
  CUDA(cudaGraphDestroy(graph));
  CUDA(cudaDeviceSynchronize());
  EXPECT_EQ(counter, 0);
  for (int i = 1; i <= 3; i++) {
    p[0] = 100 + i;
    CUDA(cudaGraphLaunch(exec, s_));
    CUDA(cudaStreamSynchronize(s_));
    EXPECT_EQ(counter, i);
    EXPECT_EQ(p[1], 100 + i);
  }
  CUDA(cudaGraphExecDestroy(exec));
  EXPECT_EQ(cudaGraphLaunch(exec, s_), cudaErrorInvalidValue);
}

TEST_F(GraphApi, ForksAndJoinsKeepTheirOrder) {
  cudaEvent_t fork = event(cudaEventDisableTiming), join = event(cudaEventDisableTiming);
  static std::string order;
  const auto put = [](cudaStream_t stream, const char* what) {
    CUDA(cudaLaunchHostFunc(
        stream, [](void* w) { order += *static_cast<const char*>(w); }, const_cast<char*>(what)));
  };
  CUDA(cudaStreamBeginCapture(s_, cudaStreamCaptureModeThreadLocal));
  put(s_, "a");
  CUDA(cudaEventRecord(fork, s_));
  CUDA(cudaStreamWaitEvent(t_, fork, 0));
  put(t_, "x");
  put(s_, "b");
  put(t_, "y");
  CUDA(cudaEventRecord(join, t_));
  CUDA(cudaStreamWaitEvent(s_, join, 0));
  put(s_, "z");
  cudaGraph_t graph = nullptr;
  CUDA(cudaStreamEndCapture(s_, &graph));
  const cudaGraphExec_t exec = executable(graph);
  int first_b = 0, first_x = 0;
  for (int i = 0; i < 60; i++) {
    order.clear();
    CUDA(cudaGraphLaunch(exec, s_));
    CUDA(cudaStreamSynchronize(s_));
    ASSERT_EQ(order.size(), 5u);
    EXPECT_EQ(order[0], 'a') << order;
    EXPECT_EQ(order[4], 'z') << order;
    EXPECT_LT(order.find('x'), order.find('y')) << order;
    (order[1] == 'b' ? first_b : first_x)++;
  }
  EXPECT_GT(first_b, 5) << "branches are independent";
  EXPECT_GT(first_x, 5);
  EXPECT_EQ(cudaEventQuery(join), cudaErrorCapturedEvent);
}

TEST_F(GraphApi, AnUnjoinedStreamIsRefused) {
  cudaEvent_t fork = event(cudaEventDisableTiming);
  int counter = 0;
  CUDA(cudaStreamBeginCapture(s_, cudaStreamCaptureModeGlobal));
  CUDA(cudaEventRecord(fork, s_));
  CUDA(cudaStreamWaitEvent(t_, fork, 0));
  step(t_, &counter);
  cudaGraph_t graph = nullptr;
  EXPECT_EQ(cudaStreamEndCapture(s_, &graph), cudaErrorStreamCaptureUnjoined);
  EXPECT_EQ(graph, nullptr);
  step(t_, &counter);  // neither stream is captured any more
  CUDA(cudaStreamSynchronize(t_));
  EXPECT_EQ(counter, 1);
}

TEST_F(GraphApi, WhatCannotBeRecordedBreaksTheCapture) {
  const auto after = [&](auto&& call, cudaError_t expected) {
    CUDA(cudaStreamBeginCapture(s_, cudaStreamCaptureModeGlobal));
    EXPECT_EQ(call(), expected);
    cudaStreamCaptureStatus status;
    CUDA(cudaStreamIsCapturing(s_, &status));
    EXPECT_EQ(status, cudaStreamCaptureStatusInvalidated);
    cudaGraph_t graph = nullptr;
    EXPECT_EQ(cudaStreamEndCapture(s_, &graph), cudaErrorStreamCaptureInvalidated);
  };
  void* d = nullptr;
  cudaEvent_t outside = event();
  CUDA(cudaEventRecord(outside, t_));
  after([&] { return cudaStreamSynchronize(s_); }, cudaErrorStreamCaptureUnsupported);
  after([&] { return cudaMalloc(&d, 4); }, cudaErrorStreamCaptureUnsupported);
  after([&] { return cudaDeviceSynchronize(); }, cudaErrorStreamCaptureUnsupported);
  after([&] { return cudaMallocAsync(&d, 4, s_); }, cudaErrorStreamCaptureUnsupported);
  after([&] { return cudaStreamWaitEvent(s_, outside, 0); }, cudaErrorStreamCaptureIsolation);
  CUDA(cudaStreamBeginCapture(s_, cudaStreamCaptureModeRelaxed));
  EXPECT_EQ(cudaMalloc(&d, 4), cudaSuccess);
  cudaGraph_t graph = nullptr;
  CUDA(cudaStreamEndCapture(s_, &graph));
}

TEST_F(GraphApi, TheLegacyStreamStaysOut) {
  void* d = device(4);
  EXPECT_EQ(cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeGlobal), cudaErrorStreamCaptureUnsupported);
  cudaStream_t blocking = stream();
  CUDA(cudaStreamBeginCapture(blocking, cudaStreamCaptureModeRelaxed));
  EXPECT_EQ(cudaMemsetAsync(d, 0, 4, nullptr), cudaErrorStreamCaptureImplicit);
  cudaGraph_t graph = nullptr;
  EXPECT_EQ(cudaStreamEndCapture(blocking, &graph), cudaErrorStreamCaptureInvalidated);
  CUDA(cudaMemsetAsync(d, 0, 4, nullptr));
  EXPECT_EQ(cudaStreamEndCapture(blocking, &graph), cudaErrorIllegalState);
}

TEST_F(GraphApi, AFaultInsideAGraphIsTheDevices) {
  int* p = pinned<int>(1);
  void* d = device(4);
  CUDA(cudaStreamBeginCapture(s_, cudaStreamCaptureModeGlobal));
  CUDA(cudaMemcpyAsync(p, d, 4, cudaMemcpyDeviceToHost, s_));
  cudaGraph_t graph = nullptr;
  CUDA(cudaStreamEndCapture(s_, &graph));
  const cudaGraphExec_t exec = executable(graph);
  CUDA(cudaFree(d));
  CUDA(cudaGraphLaunch(exec, s_));
  EXPECT_EQ(cudaStreamSynchronize(s_), cudaErrorIllegalAddress);
}

}  // namespace
