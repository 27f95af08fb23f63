// Of the work that is ready, that of the more urgent stream comes first.
#include <algorithm>

#include "fixture.hpp"

namespace {

class Priorities : public Runtime {
 protected:
  static void put(cudaStream_t stream, const char* what) {
    CUDA(cudaLaunchHostFunc(
        stream, [](void* w) { order_ += *static_cast<const char*>(w); }, const_cast<char*>(what)));
  }
  static cudaStream_t urgent(int priority) {
    cudaStream_t s = nullptr;
    CUDA(cudaStreamCreateWithPriority(&s, cudaStreamNonBlocking, priority));
    return s;
  }
  // How often 'a' came before 'b', of both put behind a gate.
  static int first(cudaStream_t a, cudaStream_t b) {
    int count = 0;
    for (int i = 0; i < 40; i++) {
      order_.clear();
      Gate gate;
      cudaStream_t held = stream(cudaStreamNonBlocking);
      cudaEvent_t open = event(cudaEventDisableTiming);
      gate.close(held);
      CUDA(cudaEventRecord(open, held));
      CUDA(cudaStreamWaitEvent(a, open, 0));
      CUDA(cudaStreamWaitEvent(b, open, 0));
      put(b, "b");
      put(a, "a");
      gate.open();
      CUDA(cudaDeviceSynchronize());
      CUDA(cudaStreamDestroy(held));
      count += order_ == "ab";
    }
    return count;
  }
  static inline std::string order_;
};

TEST_F(Priorities, TheMoreUrgentStreamIsChosen) {
  int least = 0, greatest = 0;
  CUDA(cudaDeviceGetStreamPriorityRange(&least, &greatest));
  EXPECT_EQ(first(urgent(greatest), urgent(least)), 40);
  const int equal = first(urgent(least), urgent(least));
  EXPECT_GT(equal, 3);
  EXPECT_LT(equal, 37);
}

TEST_F(Priorities, AStreamsPriorityIsAnAttribute) {
  cudaStream_t a = stream(cudaStreamNonBlocking), b = stream(cudaStreamNonBlocking);
  cudaLaunchAttributeValue value{};
  value.priority = -3;
  CUDA(cudaStreamSetAttribute(a, cudaLaunchAttributePriority, &value));
  int priority = 0;
  CUDA(cudaStreamGetPriority(a, &priority));
  EXPECT_EQ(priority, -3);
  EXPECT_EQ(first(a, b), 40);
  CUDA(cudaStreamCopyAttributes(b, a));
  CUDA(cudaStreamGetAttribute(b, cudaLaunchAttributePriority, &value));
  EXPECT_EQ(value.priority, -3);
  value.syncPolicy = cudaSyncPolicyYield;
  CUDA(cudaStreamSetAttribute(a, cudaLaunchAttributeSynchronizationPolicy, &value));
  value = {};
  CUDA(cudaStreamGetAttribute(a, cudaLaunchAttributeSynchronizationPolicy, &value));
  EXPECT_EQ(value.syncPolicy, cudaSyncPolicyYield);
  EXPECT_EQ(cudaStreamSetAttribute(a, cudaLaunchAttributeClusterDimension, &value), cudaErrorInvalidValue);
}

}  // namespace
