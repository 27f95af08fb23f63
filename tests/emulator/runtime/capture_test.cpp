// The capture of streams, beyond what graph_test asks: into a given graph, across streams, watched and
// steered.
#include <vector>

#include "fixture.hpp"

namespace {

class CaptureApi : public Runtime {
 protected:
  void SetUp() override {
    Runtime::SetUp();
    s_ = stream(cudaStreamNonBlocking);
    t_ = stream(cudaStreamNonBlocking);
    order_.clear();
  }
  static void put(cudaStream_t stream, const char* what) {
    CUDA(cudaLaunchHostFunc(
        stream, [](void* w) { order_ += *static_cast<const char*>(w); }, const_cast<char*>(what)));
  }
  static std::string run(cudaGraph_t graph) {
    cudaGraphExec_t exec = nullptr;
    cudaStream_t s = stream(cudaStreamNonBlocking);
    CUDA(cudaGraphInstantiate(&exec, graph, 0));
    order_.clear();
    CUDA(cudaGraphLaunch(exec, s));
    CUDA(cudaStreamSynchronize(s));
    CUDA(cudaGraphExecDestroy(exec));
    return order_;
  }
  static std::size_t count_nodes(cudaGraph_t graph) {
    std::size_t count = 0;
    CUDA(cudaGraphGetNodes(graph, nullptr, &count));
    return count;
  }
  cudaStream_t s_ = nullptr, t_ = nullptr;
  static inline std::string order_;
};

TEST_F(CaptureApi, GoesIntoAGivenGraphAfterGivenNodes) {
  cudaGraph_t graph = nullptr, captured = nullptr;
  CUDA(cudaGraphCreate(&graph, 0));
  cudaGraphNode_t first = nullptr;
  static const char a = 'a';
  cudaHostNodeParams host{[](void* w) { order_ += *static_cast<const char*>(w); }, const_cast<char*>(&a)};
  CUDA(cudaGraphAddHostNode(&first, graph, nullptr, 0, &host));
  CUDA(cudaStreamBeginCaptureToGraph(s_, graph, &first, nullptr, 1, cudaStreamCaptureModeGlobal));
  EXPECT_EQ(cudaStreamBeginCaptureToGraph(t_, graph, nullptr, nullptr, 0, cudaStreamCaptureModeGlobal),
            cudaErrorIllegalState);
  put(s_, "b");
  EXPECT_EQ(cudaGraphDestroy(graph), cudaErrorInvalidValue) << "while it is captured into";
  CUDA(cudaStreamEndCapture(s_, &captured));
  EXPECT_EQ(captured, graph);
  EXPECT_EQ(count_nodes(graph), 2u);
  for (int i = 0; i < 20; i++) EXPECT_EQ(run(graph), "ab");
  CUDA(cudaGraphDestroy(graph));
}

TEST_F(CaptureApi, CanBeWatchedAndSteered) {
  CUDA(cudaStreamBeginCapture(s_, cudaStreamCaptureModeGlobal));
  put(s_, "a");
  cudaStreamCaptureStatus status;
  unsigned long long id = 0;
  cudaGraph_t graph = nullptr;
  const cudaGraphNode_t* nodes = nullptr;
  const cudaGraphEdgeData* edges = nullptr;
  std::size_t count = 0;
  CUDA(cudaStreamGetCaptureInfo(s_, &status, &id, &graph, &nodes, &edges, &count));
  EXPECT_EQ(status, cudaStreamCaptureStatusActive);
  EXPECT_NE(id, 0u);
  ASSERT_EQ(count, 1u);
  EXPECT_EQ(edges[0].type, 0);
  const cudaGraphNode_t a = nodes[0];
  cudaGraphNodeType type;
  CUDA(cudaGraphNodeGetType(a, &type));
  EXPECT_EQ(type, cudaGraphNodeTypeHost);
  // A node put in by hand between what is captured.
  cudaGraphNode_t b = nullptr;
  static const char text = 'b';
  cudaHostNodeParams host{[](void* w) { order_ += *static_cast<const char*>(w); }, const_cast<char*>(&text)};
  CUDA(cudaGraphAddHostNode(&b, graph, &a, 1, &host));
  CUDA(cudaStreamUpdateCaptureDependencies(s_, &b, nullptr, 1, cudaStreamSetCaptureDependencies));
  put(s_, "c");
  cudaGraph_t done = nullptr;
  CUDA(cudaStreamEndCapture(s_, &done));
  EXPECT_EQ(done, graph);
  for (int i = 0; i < 20; i++) EXPECT_EQ(run(graph), "abc");
  CUDA(cudaStreamGetCaptureInfo(s_, &status, nullptr, nullptr, nullptr, nullptr, nullptr));
  EXPECT_EQ(status, cudaStreamCaptureStatusNone);
  EXPECT_EQ(cudaStreamUpdateCaptureDependencies(s_, &b, nullptr, 1, 0), cudaErrorIllegalState);
}

TEST_F(CaptureApi, ALaunchedGraphBecomesAChild) {
  cudaGraph_t inner = nullptr, outer = nullptr, child = nullptr;
  CUDA(cudaStreamBeginCapture(s_, cudaStreamCaptureModeGlobal));
  put(s_, "x");
  put(s_, "y");
  CUDA(cudaStreamEndCapture(s_, &inner));
  cudaGraphExec_t exec = nullptr;
  CUDA(cudaGraphInstantiate(&exec, inner, 0));
  CUDA(cudaStreamBeginCapture(s_, cudaStreamCaptureModeGlobal));
  put(s_, "a");
  CUDA(cudaGraphLaunch(exec, s_));
  put(s_, "b");
  CUDA(cudaStreamEndCapture(s_, &outer));
  CUDA(cudaGraphExecDestroy(exec));
  CUDA(cudaGraphDestroy(inner));
  EXPECT_EQ(order_, "");
  for (int i = 0; i < 10; i++) EXPECT_EQ(run(outer), "axyb");
  cudaGraphNode_t nodes[4];
  std::size_t count = 4;
  CUDA(cudaGraphGetNodes(outer, nodes, &count));
  ASSERT_EQ(count, 3u);
  EXPECT_EQ(nodes[3], nullptr);
  CUDA(cudaGraphChildGraphNodeGetGraph(nodes[1], &child));
  EXPECT_EQ(count_nodes(child), 2u);
  EXPECT_EQ(cudaGraphDestroy(child), cudaErrorInvalidValue) << "it is the node's";
}

TEST_F(CaptureApi, AThreadCanSayThatItKnowsWhatItDoes) {
  CUDA(cudaStreamBeginCapture(s_, cudaStreamCaptureModeGlobal));
  cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
  CUDA(cudaThreadExchangeStreamCaptureMode(&mode));
  EXPECT_EQ(mode, cudaStreamCaptureModeGlobal);
  void* d = nullptr;
  EXPECT_EQ(cudaMalloc(&d, 4), cudaSuccess);
  CUDA(cudaThreadExchangeStreamCaptureMode(&mode));
  EXPECT_EQ(mode, cudaStreamCaptureModeRelaxed);
  std::thread([] {
    cudaStreamCaptureMode local = cudaStreamCaptureModeThreadLocal;
    CUDA(cudaThreadExchangeStreamCaptureMode(&local));
    void* p = nullptr;
    EXPECT_EQ(cudaMalloc(&p, 4), cudaSuccess) << "another thread's capture does not concern this one";
  }).join();
  std::thread([] {
    void* p = nullptr;
    EXPECT_EQ(cudaMalloc(&p, 4), cudaErrorStreamCaptureUnsupported);
  }).join();
  cudaGraph_t graph = nullptr;
  EXPECT_EQ(cudaStreamEndCapture(s_, &graph), cudaErrorStreamCaptureInvalidated);
  mode = static_cast<cudaStreamCaptureMode>(7);
  EXPECT_EQ(cudaThreadExchangeStreamCaptureMode(&mode), cudaErrorInvalidValue);
}

TEST_F(CaptureApi, EndsWhereItBegan) {
  cudaGraph_t graph = nullptr;
  cudaEvent_t fork = event(cudaEventDisableTiming);
  CUDA(cudaStreamBeginCapture(s_, cudaStreamCaptureModeGlobal));
  std::thread([&] { EXPECT_EQ(cudaStreamEndCapture(s_, &graph), cudaErrorStreamCaptureWrongThread); }).join();
  CUDA(cudaEventRecord(fork, s_));
  CUDA(cudaStreamWaitEvent(t_, fork, 0));
  EXPECT_EQ(cudaStreamEndCapture(t_, &graph), cudaErrorStreamCaptureUnmatched);
  EXPECT_EQ(cudaStreamEndCapture(s_, &graph), cudaErrorStreamCaptureInvalidated);
  // Two captures that meet are both broken.
  CUDA(cudaStreamBeginCapture(s_, cudaStreamCaptureModeGlobal));
  CUDA(cudaStreamBeginCapture(t_, cudaStreamCaptureModeGlobal));
  CUDA(cudaEventRecord(fork, s_));
  EXPECT_EQ(cudaStreamWaitEvent(t_, fork, 0), cudaErrorStreamCaptureMerge);
  EXPECT_EQ(cudaStreamEndCapture(s_, &graph), cudaErrorStreamCaptureInvalidated);
  EXPECT_EQ(cudaStreamEndCapture(t_, &graph), cudaErrorStreamCaptureInvalidated);
}

}  // namespace
