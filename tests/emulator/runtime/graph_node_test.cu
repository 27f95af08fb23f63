// Graphs built node by node; attributes of launches; libraries that the program loads itself.
#include <cstdio>
#include <fstream>
#include <vector>

#include "fixture.hpp"

__device__ int offset = 5;

__global__ void add(int* x, int value, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) x[i] += value + offset - 5;
}
__global__ void twice(int* x, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) x[i] *= 2;
}

namespace {

class GraphNodes : public Runtime {
 protected:
  void SetUp() override {
    Runtime::SetUp();
    CUDA(cudaGraphCreate(&graph_, 0));
    x_ = static_cast<int*>(device(bytes));
    CUDA(cudaMemset(x_, 0, bytes));
    CUDA(cudaDeviceSynchronize());  // s_ does not wait for the legacy stream, where that is
    s_ = stream(cudaStreamNonBlocking);
  }
  cudaGraphNode_t kernel(void* function, std::vector<void*> arguments,
                         std::vector<cudaGraphNode_t> after = {}) {
    cudaKernelNodeParams p{};
    p.func = function;
    p.gridDim = dim3(2);
    p.blockDim = dim3(64);
    p.kernelParams = arguments.data();
    cudaGraphNode_t node = nullptr;
    CUDA(cudaGraphAddKernelNode(&node, graph_, after.data(), after.size(), &p));
    return node;
  }
  cudaGraphNode_t adding(int value, std::vector<cudaGraphNode_t> after = {}) {
    return kernel(reinterpret_cast<void*>(add), {&x_, &value, const_cast<int*>(&n)}, std::move(after));
  }
  cudaGraphNode_t doubling(std::vector<cudaGraphNode_t> after = {}) {
    return kernel(reinterpret_cast<void*>(twice), {&x_, const_cast<int*>(&n)}, std::move(after));
  }
  int run(cudaGraph_t graph, int launches = 1) {
    cudaGraphExec_t exec = nullptr;
    CUDA(cudaGraphInstantiate(&exec, graph, 0));
    CUDA(cudaGraphUpload(exec, s_));
    CUDA(cudaMemsetAsync(x_, 0, bytes, s_));
    for (int i = 0; i < launches; i++) CUDA(cudaGraphLaunch(exec, s_));
    CUDA(cudaGraphExecDestroy(exec));
    std::vector<int> h(n);
    CUDA(cudaStreamSynchronize(s_));
    CUDA(cudaMemcpy(h.data(), x_, bytes, cudaMemcpyDeviceToHost));
    EXPECT_EQ(h, std::vector<int>(n, h[0]));
    return h[0];
  }
  static constexpr int n = 100;
  static constexpr std::size_t bytes = n * sizeof(int);
  cudaGraph_t graph_ = nullptr;
  cudaStream_t s_ = nullptr;
  int* x_ = nullptr;
};

TEST_F(GraphNodes, KernelsRunInTheOrderOfTheirEdges) {
  const auto a = adding(3), b = doubling({a}), c = adding(4, {b}), d = doubling({c});
  static_cast<void>(d);
  for (int i = 0; i < 20; i++) EXPECT_EQ(run(graph_), 20);
  EXPECT_EQ(run(graph_, 2), 100) << "launches of a graph follow each other";
}

TEST_F(GraphNodes, EdgesAreAddedTakenAwayAndTold) {
  const auto a = adding(3), b = doubling(), c = adding(4);
  CUDA(cudaGraphAddDependencies(graph_, &a, &b, nullptr, 1));
  CUDA(cudaGraphAddDependencies(graph_, &b, &c, nullptr, 1));
  EXPECT_EQ(cudaGraphAddDependencies(graph_, &b, &c, nullptr, 1), cudaErrorInvalidValue) << "twice";
  EXPECT_EQ(run(graph_), 10);
  std::size_t count = 0;
  CUDA(cudaGraphGetEdges(graph_, nullptr, nullptr, nullptr, &count));
  ASSERT_EQ(count, 2u);
  cudaGraphNode_t from[2], to[2];
  CUDA(cudaGraphGetEdges(graph_, from, to, nullptr, &count));
  EXPECT_EQ(from[0], a);
  EXPECT_EQ(to[1], c);
  CUDA(cudaGraphGetRootNodes(graph_, from, &(count = 2)));
  EXPECT_EQ(count, 1u);
  EXPECT_EQ(from[0], a);
  CUDA(cudaGraphNodeGetDependencies(c, from, nullptr, &(count = 2)));
  EXPECT_EQ(count, 1u);
  EXPECT_EQ(from[0], b);
  CUDA(cudaGraphNodeGetDependentNodes(a, from, nullptr, &(count = 2)));
  EXPECT_EQ(from[0], b);
  // A circle is found when the graph is instantiated.
  cudaGraphExec_t exec = nullptr;
  CUDA(cudaGraphAddDependencies(graph_, &c, &a, nullptr, 1));
  EXPECT_EQ(cudaGraphInstantiate(&exec, graph_, 0), cudaErrorInvalidValue);
  EXPECT_TRUE(reported("circle")) << ptxvm_last_report();
  CUDA(cudaGraphRemoveDependencies(graph_, &c, &a, nullptr, 1));
  EXPECT_EQ(cudaGraphRemoveDependencies(graph_, &c, &a, nullptr, 1), cudaErrorInvalidValue);
  CUDA(cudaGraphDestroyNode(c));
  EXPECT_EQ(run(graph_), 6);
  cudaGraphNodeType type;
  EXPECT_EQ(cudaGraphNodeGetType(c, &type), cudaErrorInvalidValue) << "destroyed";
}

TEST_F(GraphNodes, CopiesFillsHostFunctionsAndNothing) {
  int* h = pinned<int>(n);
  cudaMemsetParams fill{};
  fill.dst = x_;
  fill.value = 0x01020304;
  fill.elementSize = 4;
  fill.width = n;
  fill.height = 1;
  cudaGraphNode_t f, join, copy, host, symbol;
  CUDA(cudaGraphAddMemsetNode(&f, graph_, nullptr, 0, &fill));
  CUDA(cudaGraphAddEmptyNode(&join, graph_, &f, 1));
  cudaMemcpy3DParms p{};
  p.srcPtr = make_cudaPitchedPtr(x_, bytes, n, 1);
  p.dstPtr = make_cudaPitchedPtr(h, bytes, n, 1);
  p.extent = make_cudaExtent(bytes, 1, 1);
  p.kind = cudaMemcpyDeviceToHost;
  CUDA(cudaGraphAddMemcpyNode(&copy, graph_, &join, 1, &p));
  cudaHostNodeParams count{[](void* x) { ++*static_cast<int*>(x); }, h + n - 1};
  CUDA(cudaGraphAddHostNode(&host, graph_, &copy, 1, &count));
  static const int value = 9;
  CUDA(cudaGraphAddMemcpyNodeToSymbol(&symbol, graph_, &host, 1, offset, &value, 4, 0,
                                      cudaMemcpyHostToDevice));
  run(graph_);
  EXPECT_EQ(h[0], 0x01020304);
  EXPECT_EQ(h[n - 1], 0x01020305);
  int back = 0;
  CUDA(cudaMemcpyFromSymbol(&back, offset, 4));
  EXPECT_EQ(back, 9);
  const std::vector<std::pair<cudaGraphNode_t, cudaGraphNodeType>> types = {{f, cudaGraphNodeTypeMemset},
                                                                            {join, cudaGraphNodeTypeEmpty},
                                                                            {copy, cudaGraphNodeTypeMemcpy},
                                                                            {host, cudaGraphNodeTypeHost}};
  for (const auto& [node, expected] : types) {
    cudaGraphNodeType type;
    CUDA(cudaGraphNodeGetType(node, &type));
    EXPECT_EQ(type, expected);
  }
  // Read, changed, set.
  CUDA(cudaGraphMemsetNodeGetParams(f, &fill));
  EXPECT_EQ(fill.elementSize, 4u);
  EXPECT_EQ(fill.width, static_cast<std::size_t>(n));
  fill.value = 7;
  CUDA(cudaGraphMemsetNodeSetParams(f, &fill));
  CUDA(cudaGraphMemcpyNodeGetParams(copy, &p));
  EXPECT_EQ(p.dstPtr.ptr, h);
  CUDA(cudaGraphHostNodeGetParams(host, &count));
  EXPECT_EQ(count.userData, h + n - 1);
  run(graph_);
  EXPECT_EQ(h[0], 7);
  EXPECT_EQ(h[n - 1], 8);
  EXPECT_EQ(cudaGraphHostNodeGetParams(copy, &count), cudaErrorInvalidValue);
  p.kind = cudaMemcpyHostToDevice;
  EXPECT_EQ(cudaGraphAddMemcpyNode(&copy, graph_, nullptr, 0, &p), cudaErrorInvalidValue)
      << "wrong direction";
  fill.width = n + 1;
  EXPECT_EQ(cudaGraphAddMemsetNode(&f, graph_, nullptr, 0, &fill), cudaErrorInvalidValue) << "too wide";
}

TEST_F(GraphNodes, KernelNodesAreReadAndChanged) {
  const auto a = adding(3);
  cudaKernelNodeParams p{};
  CUDA(cudaGraphKernelNodeGetParams(a, &p));
  EXPECT_EQ(p.gridDim.x, 2u);
  EXPECT_EQ(*static_cast<int*>(p.kernelParams[1]), 3);
  int value = 11;
  void* arguments[] = {p.kernelParams[0], &value, p.kernelParams[2]};
  p.kernelParams = arguments;
  CUDA(cudaGraphKernelNodeSetParams(a, &p));
  EXPECT_EQ(run(graph_), 11);
  cudaLaunchAttributeValue attribute{};
  attribute.clusterDim.x = 4;
  attribute.clusterDim.y = attribute.clusterDim.z = 1;
  EXPECT_EQ(cudaGraphKernelNodeSetAttribute(a, cudaLaunchAttributeClusterDimension, &attribute),
            cudaErrorInvalidConfiguration)
      << "4 does not divide 2";
  attribute = {};
  attribute.cooperative = 1;
  CUDA(cudaGraphKernelNodeSetAttribute(a, cudaLaunchAttributeCooperative, &attribute));
  attribute = {};
  CUDA(cudaGraphKernelNodeGetAttribute(a, cudaLaunchAttributeCooperative, &attribute));
  EXPECT_EQ(attribute.cooperative, 1);
  EXPECT_EQ(run(graph_), 11);
  p.kernelParams = nullptr;
  EXPECT_EQ(cudaGraphKernelNodeSetParams(a, &p), cudaErrorInvalidValue);
  p.func = &p;
  EXPECT_EQ(cudaGraphKernelNodeSetParams(a, &p), cudaErrorInvalidDeviceFunction);
}

TEST_F(GraphNodes, ChildrenAndClones) {
  const auto a = adding(3);
  doubling({a});
  cudaGraph_t outer = nullptr, clone = nullptr, child = nullptr;
  CUDA(cudaGraphCreate(&outer, 0));
  cudaGraphNode_t first, second, found;
  CUDA(cudaGraphAddChildGraphNode(&first, outer, nullptr, 0, graph_));
  cudaGraphNodeParams any{};
  any.type = cudaGraphNodeTypeGraph;
  any.graph.graph = graph_;
  CUDA(cudaGraphAddNode(&second, outer, &first, nullptr, 1, &any));
  EXPECT_EQ(run(outer), 18);
  adding(100, {a});  // the children are copies
  EXPECT_EQ(run(outer), 18);
  CUDA(cudaGraphClone(&clone, graph_));
  CUDA(cudaGraphNodeFindInClone(&found, a, clone));
  EXPECT_NE(found, a);
  EXPECT_EQ(cudaGraphNodeFindInClone(&found, first, clone), cudaErrorInvalidValue);
  CUDA(cudaGraphDestroy(graph_));
  EXPECT_EQ(run(outer), 18);
  CUDA(cudaGraphChildGraphNodeGetGraph(second, &child));
  CUDA(cudaGraphDestroy(outer));
  EXPECT_EQ(cudaGraphDestroy(child), cudaErrorInvalidValue) << "gone with its node";
  any = {};
  any.type = cudaGraphNodeTypeKernel;
  int value = 1000, size = n;
  void* arguments[] = {&x_, &value, &size};
  any.kernel.func = reinterpret_cast<void*>(add);
  any.kernel.gridDim = dim3(1);
  any.kernel.blockDim = dim3(128);
  any.kernel.kernelParams = arguments;
  cudaGraph_t lone = nullptr;
  CUDA(cudaGraphCreate(&lone, 0));
  CUDA(cudaGraphAddNode(&found, lone, nullptr, nullptr, 0, &any));
  EXPECT_EQ(run(lone), 1000);
  any.type = cudaGraphNodeTypeConditional;
  EXPECT_EQ(cudaGraphAddNode(&found, clone, nullptr, nullptr, 0, &any), cudaErrorNotSupported);
}

TEST_F(GraphNodes, FlagsOfInstantiation) {
  adding(1);
  cudaGraphExec_t exec = nullptr;
  EXPECT_EQ(cudaGraphInstantiate(&exec, graph_, cudaGraphInstantiateFlagDeviceLaunch), cudaErrorNotSupported);
  EXPECT_EQ(cudaGraphInstantiate(&exec, graph_, 1 << 20), cudaErrorInvalidValue);
  CUDA(cudaGraphInstantiateWithFlags(&exec, graph_, cudaGraphInstantiateFlagAutoFreeOnLaunch));
  unsigned long long flags = 0;
  CUDA(cudaGraphExecGetFlags(exec, &flags));
  EXPECT_EQ(flags, cudaGraphInstantiateFlagAutoFreeOnLaunch + 0ull);
  cudaGraphInstantiateParams p{};
  p.flags = cudaGraphInstantiateFlagUpload;
  p.uploadStream = s_;
  CUDA(cudaGraphInstantiateWithParams(&exec, graph_, &p));
  EXPECT_EQ(p.result_out, cudaGraphInstantiateSuccess);
  cudaGraphExecUpdateResultInfo info;
  EXPECT_EQ(cudaGraphExecUpdate(exec, graph_, &info), cudaErrorNotSupported);
  EXPECT_TRUE(reported("cudaGraphExecUpdate: the update of an instantiated graph: not emulated"));
}

TEST_F(GraphNodes, AttributesOfLaunches) {
  cudaEvent_t done = event(cudaEventDisableTiming), timed = event();
  cudaLaunchAttribute a[3] = {};
  a[0].id = cudaLaunchAttributeProgrammaticStreamSerialization;
  a[0].val.programmaticStreamSerializationAllowed = 1;
  a[1].id = cudaLaunchAttributePriority;
  a[1].val.priority = -1;
  a[2].id = cudaLaunchAttributeLaunchCompletionEvent;
  a[2].val.launchCompletionEvent.event = done;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(2);
  config.blockDim = dim3(64);
  config.stream = s_;
  config.attrs = a;
  config.numAttrs = 3;
  CUDA(cudaLaunchKernelEx(&config, add, x_, 1, n));
  cudaStream_t other = stream(cudaStreamNonBlocking);
  CUDA(cudaStreamWaitEvent(other, done, 0));
  CUDA(cudaStreamSynchronize(other));
  EXPECT_EQ(cudaStreamQuery(s_), cudaSuccess) << "the event was the launch's";
  a[2].id = cudaLaunchAttributeProgrammaticEvent;
  a[2].val.programmaticEvent.event = timed;
  EXPECT_EQ(cudaLaunchKernelEx(&config, add, x_, 1, n), cudaErrorInvalidValue)
      << "an event that measures time";
  a[2].id = cudaLaunchAttributeSynchronizationPolicy;
  EXPECT_EQ(cudaLaunchKernelEx(&config, add, x_, 1, n), cudaErrorInvalidValue);
  config.numAttrs = 2;
  a[1].id = cudaLaunchAttributePreferredClusterDimension;
  a[1].val.preferredClusterDim.x = 3;
  a[1].val.preferredClusterDim.y = a[1].val.preferredClusterDim.z = 1;
  a[0].id = cudaLaunchAttributeClusterDimension;
  a[0].val.clusterDim.x = 2;
  a[0].val.clusterDim.y = a[0].val.clusterDim.z = 1;
  EXPECT_EQ(cudaLaunchKernelEx(&config, add, x_, 1, n), cudaErrorInvalidValue) << "3 is no multiple of 2";
  config.attrs = nullptr;
  EXPECT_EQ(cudaLaunchKernelEx(&config, add, x_, 1, n), cudaErrorInvalidValue);
  EXPECT_EQ(cudaLaunchKernelExC(nullptr, reinterpret_cast<void*>(add), nullptr), cudaErrorInvalidValue);
}

TEST_F(GraphNodes, ArgumentsMayNotBeNull) {
  const void* kernel = reinterpret_cast<const void*>(add);
  EXPECT_EQ(cudaLaunchKernel(kernel, dim3(1), dim3(1), nullptr, 0, nullptr), cudaErrorInvalidValue);
  EXPECT_TRUE(reported("array of its 3 arguments")) << ptxvm_last_report();
  int value = 0;
  void* arguments[] = {&x_, &value, nullptr};
  EXPECT_EQ(cudaLaunchKernel(kernel, dim3(1), dim3(1), arguments, 0, nullptr), cudaErrorInvalidValue);
  EXPECT_TRUE(reported("argument 2")) << ptxvm_last_report();
  EXPECT_EQ(cudaLaunchKernel(nullptr, dim3(1), dim3(1), arguments, 0, nullptr),
            cudaErrorInvalidDeviceFunction);
  EXPECT_EQ(cudaLaunchCooperativeKernel(kernel, dim3(1), dim3(1), nullptr, 0, nullptr),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaLaunchHostFunc(nullptr, nullptr, nullptr), cudaErrorInvalidValue);
  CUDA(cudaDeviceSynchronize());  // none of it broke the device
}

constexpr char library_text[] = R"(
.version 8.0
.target sm_70
.address_size 64
.visible .global .align 4 .u32 count = 41;
.visible .entry bump(.param .u64 to) {
  .reg .u64 %a<3>;
  .reg .u32 %r<3>;
  ld.param.u64 %a1, [to];
  cvta.to.global.u64 %a2, %a1;
  ld.global.u32 %r1, [count];
  add.u32 %r2, %r1, 1;
  st.global.u32 [%a2], %r2;
  ret;
}
.visible .entry idle() { ret; }
)";

TEST_F(GraphNodes, LibrariesAreLoadedFromTextAndFiles) {
  const std::string path = testing::TempDir() + "ptxvm_library.ptx";
  std::ofstream(path) << library_text;
  cudaLibrary_t from_data = nullptr, from_file = nullptr;
  CUDA(cudaLibraryLoadData(&from_data, library_text, nullptr, nullptr, 0, nullptr, nullptr, 0));
  CUDA(cudaLibraryLoadFromFile(&from_file, path.c_str(), nullptr, nullptr, 0, nullptr, nullptr, 0));
  std::remove(path.c_str());
  for (cudaLibrary_t library : {from_data, from_file}) {
    cudaKernel_t kernel = nullptr, all[2] = {};
    CUDA(cudaLibraryGetKernel(&kernel, library, "bump"));
    EXPECT_EQ(cudaLibraryGetKernel(&kernel, library, "bmup"), cudaErrorSymbolNotFound);
    CUDA(cudaLibraryGetKernel(&kernel, library, "bump"));
    unsigned count = 0;
    CUDA(cudaLibraryGetKernelCount(&count, library));
    EXPECT_EQ(count, 2u);
    CUDA(cudaLibraryEnumerateKernels(all, 2, library));
    EXPECT_TRUE(all[0] == kernel || all[1] == kernel);
    const char* name = nullptr;
    CUDA(cudaFuncGetName(&name, reinterpret_cast<void*>(kernel)));
    EXPECT_STREQ(name, "bump");
    void* arguments[] = {&x_};
    CUDA(cudaLaunchKernel(reinterpret_cast<void*>(kernel), dim3(1), dim3(1), arguments, 0, nullptr));
    int back = 0;
    CUDA(cudaMemcpy(&back, x_, 4, cudaMemcpyDeviceToHost));
    EXPECT_EQ(back, 42);
    void* variable = nullptr;
    std::size_t size = 0;
    CUDA(cudaLibraryGetGlobal(&variable, &size, library, "count"));
    EXPECT_EQ(size, 4u);
    CUDA(cudaMemset(variable, 0, 4));
    CUDA(cudaKernelSetAttributeForDevice(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, 1000, 0));
    CUDA(cudaLibraryUnload(library));
    EXPECT_EQ(cudaLibraryUnload(library), cudaErrorInvalidResourceHandle);
    EXPECT_EQ(cudaLaunchKernel(reinterpret_cast<void*>(kernel), dim3(1), dim3(1), arguments, 0, nullptr),
              cudaErrorInvalidDeviceFunction);
  }
  EXPECT_EQ(cudaLibraryLoadFromFile(&from_file, path.c_str(), nullptr, nullptr, 0, nullptr, nullptr, 0),
            cudaErrorFileNotFound);
}

}  // namespace
