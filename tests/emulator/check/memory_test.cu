// Reads of what nobody has written; the read-only path; streams.
#include "verdict.hpp"

namespace check_test {
namespace {

__global__ void copy(const unsigned* in, unsigned* out) { out[threadIdx.x] = in[threadIdx.x] + 1; }

TEST(Unwritten, GlobalMemory) {
  unsigned *in, *out;
  ASSERT_EQ(cudaMalloc(&in, 256), cudaSuccess);
  ASSERT_EQ(cudaMalloc(&out, 256), cudaSuccess);
  ASSERT_EQ(cudaMemset(in, 0, 252), cudaSuccess);
  copy<<<1, 63>>>(in, out);
  EXPECT_EQ(verdict(), "");
  copy<<<1, 64>>>(in, out);
  EXPECT_TRUE(tells(verdict(), {"read of memory that nobody has written: read", "4 bytes at global address", "thread (63,0,0)", "252 bytes into allocation"}));
}

TEST(Unwritten, CopiesAndKernelsWrite) {
  unsigned *in, *out;
  ASSERT_EQ(cudaMalloc(&in, 256), cudaSuccess);
  ASSERT_EQ(cudaMalloc(&out, 256), cudaSuccess);
  const std::vector<unsigned> host(64, 5);
  ASSERT_EQ(cudaMemcpy(in, host.data(), 256, cudaMemcpyHostToDevice), cudaSuccess);
  copy<<<1, 64>>>(in, out);
  copy<<<1, 64>>>(out, in);
  EXPECT_EQ(verdict(), "");
  cudaFree(in), cudaFree(out);
}

TEST(Unwritten, HostMemoryIsTheHostsOwn) {
  unsigned *in, *out;
  ASSERT_EQ(cudaMallocHost(&in, 256), cudaSuccess);
  ASSERT_EQ(cudaMalloc(&out, 256), cudaSuccess);
  for (int k = 0; k < 64; ++k) in[k] = 1;
  copy<<<1, 64>>>(in, out);
  EXPECT_EQ(verdict(), "");
  cudaFreeHost(in), cudaFree(out);
}

__device__ unsigned variable[32];
__global__ void from_variable(unsigned* out) { out[threadIdx.x] = variable[threadIdx.x]; }

TEST(Unwritten, VariablesBeginAsZeros) {
  Words out(32);
  from_variable<<<1, 32>>>(out);
  EXPECT_EQ(verdict(), "");
}

template <bool Right>
__global__ void partly_shared(unsigned* out) {
  __shared__ unsigned s[64];
  if (Right || threadIdx.x < 60) s[threadIdx.x] = 1;
  __syncthreads();
  out[threadIdx.x] = s[threadIdx.x];
}

TEST(Unwritten, SharedMemory) {
  Words out(64);
  partly_shared<true><<<2, 64>>>(out);
  verdict();
  Words fresh(64);
  partly_shared<true><<<1, 64>>>(fresh);
  EXPECT_EQ(verdict(), "");
  partly_shared<false><<<1, 64>>>(fresh);
  EXPECT_TRUE(tells(verdict(), {"nobody has written", "at shared address", "thread (60,0,0)"}));
}

template <bool Right>
__global__ void local(unsigned* out, unsigned n) {
  unsigned a[16];
  for (unsigned k = 0; k < (Right ? 16 : n); ++k) a[(k * 7 + n) % 16] = k;
  out[0] = a[(n + 3) % 16];
}

TEST(Unwritten, LocalMemory) {
  Words out(1);
  local<true><<<1, 1>>>(out, 2);
  EXPECT_EQ(verdict(), "");
  local<false><<<1, 1>>>(out, 2);
  EXPECT_TRUE(tells(verdict(), {"nobody has written", "local address"}));
}

// ld.global.nc promises that the bytes stay as they are throughout the launch, a barrier between or not.
template <bool Right>
__global__ void read_only(unsigned* data, unsigned* out) {
  const unsigned v = Right ? data[threadIdx.x] : __ldg(data + threadIdx.x);
  __syncthreads();
  data[threadIdx.x] = v + 1;
  out[threadIdx.x] = v;
}
template <bool Right>
__global__ void written_first(unsigned* data, unsigned* out) {
  data[threadIdx.x] = threadIdx.x;
  __syncthreads();
  out[threadIdx.x] = Right ? data[31 - threadIdx.x] : __ldg(data + 31 - threadIdx.x);
}

TEST(ReadOnlyPath, BytesThatTheLaunchWrites) {
  Words data(32), out(32);
  read_only<true><<<1, 32>>>(data, out);
  EXPECT_EQ(verdict(), "");
  written_first<true><<<1, 32>>>(data, out);
  EXPECT_EQ(verdict(), "");
  read_only<false><<<1, 32>>>(data, out);
  EXPECT_TRUE(tells(verdict(), {"read-only path: write", "read (.nc)", "memory_test.cu:"}));
  Words more(32), again(32);
  written_first<false><<<1, 32>>>(more, again);
  EXPECT_TRUE(tells(verdict(), {"read-only path: read (.nc)"}));
}

// Operations of two streams that touch the same bytes.
class Streams : public testing::Test {
 protected:
  void SetUp() override {
    cudaStreamCreateWithFlags(&a_, cudaStreamNonBlocking);
    cudaStreamCreateWithFlags(&b_, cudaStreamNonBlocking);
    cudaEventCreate(&event_);
    cudaDeviceSynchronize();
  }
  cudaStream_t a_, b_;
  cudaEvent_t event_;
};

TEST_F(Streams, AnEventOrders) {
  Words in(32), out(32), more(32);
  cudaDeviceSynchronize();
  copy<<<1, 32, 0, a_>>>(in, out);
  cudaEventRecord(event_, a_);
  cudaStreamWaitEvent(b_, event_, 0);
  copy<<<1, 32, 0, b_>>>(out, more);
  EXPECT_EQ(verdict(), "");
}

TEST_F(Streams, NothingOrders) {
  Words in(32), out(32), more(32);
  cudaDeviceSynchronize();
  copy<<<1, 32, 0, a_>>>(in, out);
  copy<<<1, 32, 0, b_>>>(out, more);
  EXPECT_TRUE(tells(verdict(), {"race between streams: ", "launch of", "is not ordered before this launch", "allocation"}));
}

TEST_F(Streams, TheHostOrders) {
  Words in(32), out(32), more(32);
  cudaDeviceSynchronize();
  copy<<<1, 32, 0, a_>>>(in, out);
  cudaStreamSynchronize(a_);
  copy<<<1, 32, 0, b_>>>(out, more);
  EXPECT_EQ(verdict(), "");
}

TEST_F(Streams, TheLegacyStreamOrdersBlockingOnes) {
  cudaStream_t c, d;
  cudaStreamCreate(&c), cudaStreamCreate(&d);
  Words in(32), out(32), more(32);
  copy<<<1, 32, 0, c>>>(in, out);
  copy<<<1, 32>>>(out, more);
  copy<<<1, 32, 0, d>>>(more, in);
  EXPECT_EQ(verdict(), "");
}

TEST_F(Streams, CopiesAndFills) {
  Words in(32), out(32);
  std::vector<unsigned> host(32);
  cudaDeviceSynchronize();
  cudaMemsetAsync(out, 1, 64, a_);
  cudaMemsetAsync(out + 16, 1, 64, b_);
  EXPECT_EQ(verdict(), "");
  cudaMemsetAsync(out, 1, 66, a_);
  cudaMemsetAsync(out + 16, 1, 64, b_);
  EXPECT_TRUE(tells(verdict(), {"race between streams: a fill writes", "and a fill"}));
}

TEST_F(Streams, ReadersMayRunBesideEachOther) {
  Words in(32), out(32), more(32);
  cudaDeviceSynchronize();
  copy<<<1, 32, 0, a_>>>(in, out);
  copy<<<1, 32, 0, b_>>>(in, more);
  EXPECT_EQ(verdict(), "");
  copy<<<1, 32, 0, a_>>>(in, out);
  cudaMemsetAsync(in, 0, 4, b_);
  EXPECT_TRUE(tells(verdict(), {"race between streams: "}));
}

TEST_F(Streams, EdgesOfAGraphOrder) {
  for (const bool edge : {true, false}) {
    Words in(32), out(32), more(32);
    cudaStream_t a, b;
    cudaStreamCreateWithFlags(&a, cudaStreamNonBlocking), cudaStreamCreateWithFlags(&b, cudaStreamNonBlocking);
    cudaEvent_t fork, join;
    cudaEventCreate(&fork), cudaEventCreate(&join);
    cudaDeviceSynchronize();
    cudaStreamBeginCapture(a, cudaStreamCaptureModeGlobal);
    if (!edge) cudaEventRecord(fork, a), cudaStreamWaitEvent(b, fork, 0);
    copy<<<1, 32, 0, a>>>(in, out);
    if (edge) cudaEventRecord(fork, a), cudaStreamWaitEvent(b, fork, 0);
    copy<<<1, 32, 0, b>>>(out, more);
    cudaEventRecord(join, b), cudaStreamWaitEvent(a, join, 0);
    cudaGraph_t graph;
    cudaGraphExec_t runnable;
    ASSERT_EQ(cudaStreamEndCapture(a, &graph), cudaSuccess);
    ASSERT_EQ(cudaGraphInstantiate(&runnable, graph, 0), cudaSuccess);
    for (int k = 0; k < 3; ++k) cudaGraphLaunch(runnable, a);  // one after the other
    const std::string text = verdict();
    if (edge) EXPECT_EQ(text, "");
    else EXPECT_TRUE(tells(text, {"race between streams: "}));
  }
}

}  // namespace
}  // namespace check_test
