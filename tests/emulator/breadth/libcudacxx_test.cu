// libcu++ in kernels: atomics of every type, order and scope, and the pieces of a standard library that fit there.
#include <cuda/annotated_ptr>
#include <cuda/atomic>
#include <cuda/latch>
#include <cuda/semaphore>
#include <cuda/std/array>
#include <cuda/std/bit>
#include <cuda/std/chrono>
#include <cuda/std/complex>
#include <cuda/std/optional>
#include <cuda/std/span>
#include <cuda/std/tuple>
#include <cuda/std/variant>

#include <algorithm>
#include <complex>
#include <cstdlib>
#include <ptxvm/ptxvm.h>

#include "device.hpp"

namespace {

using namespace breadth;

constexpr int kBlocks = 3, kThreads = 70, kAll = kBlocks * kThreads;

// The least and greatest order that a read-modify-write may have, and what lies between.
__constant__ const cuda::std::memory_order kOrders[] = {cuda::std::memory_order_relaxed, cuda::std::memory_order_acquire,
                                               cuda::std::memory_order_release, cuda::std::memory_order_acq_rel,
                                               cuda::std::memory_order_seq_cst};

// One of each operation for every order on places of its own: sum, difference, bits and, or, xor, least, most, the
// product by compare and exchange, and how many saw their own number exchanged.
constexpr int kPlaces = 8;
template <class T>
__host__ __device__ T next(T old) {  // exact in every type
  if constexpr (std::is_integral_v<T>) return T(old * 3 + 1);
  else return old + T(3);
}
template <class T, cuda::thread_scope Scope>
__device__ void every_operation(T* place, int i, cuda::std::memory_order order) {
  using Ref = cuda::atomic_ref<T, Scope>;
  const T v = T(i % 7 + 1);
  Ref(place[0]).fetch_add(v, order);
  Ref(place[1]).fetch_sub(v, order);
  if constexpr (cuda::std::is_integral_v<T>) {
    Ref(place[2]).fetch_and(T(~(1 << i % 5)), order);
    Ref(place[3]).fetch_or(T(1 << i % 6), order);
    Ref(place[4]).fetch_xor(T(i), order);
    Ref(place[5]).fetch_min(T(v - 4), order);
    Ref(place[6]).fetch_max(T(v + 3), order);
  }
  T old = Ref(place[7]).load(cuda::std::memory_order_relaxed);
  while (!Ref(place[7]).compare_exchange_weak(old, next(old), order, cuda::std::memory_order_relaxed)) {
  }
}

template <class T, cuda::thread_scope Scope>
__global__ void atomics_kernel(T* places) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  // A narrower scope meets its own block only: each has places of its own.
  T* mine = places + (Scope == cuda::thread_scope_block ? blockIdx.x * 5 * kPlaces : 0);
  for (int o = 0; o < 5; ++o) every_operation<T, Scope>(mine + o * kPlaces, i, kOrders[o]);
}

template <class T, cuda::thread_scope Scope>
void check_atomics() {
  const int groups = Scope == cuda::thread_scope_block ? kBlocks : 1, members = kAll / groups;
  std::vector<T> start(groups * 5 * kPlaces, T(0));
  for (size_t k = 2; k < start.size(); k += kPlaces) start[k] = T(63);
  Device<T> places(start);
  atomics_kernel<T, Scope><<<kBlocks, kThreads>>>(places.get());
  const std::vector<T> got = places.read();
  for (int g = 0; g < groups; ++g) {
    T wanted[kPlaces] = {0, 0, T(63), 0, 0, 0, 0, 0};
    for (int i = g * members; i < (g + 1) * members; ++i) {
      const T v = T(i % 7 + 1);
      wanted[0] = T(wanted[0] + v), wanted[1] = T(wanted[1] - v), wanted[7] = next(wanted[7]);
      if constexpr (std::is_integral_v<T>) {
        wanted[2] = T(wanted[2] & ~(1 << i % 5)), wanted[3] = T(wanted[3] | 1 << i % 6), wanted[4] = T(wanted[4] ^ T(i));
        wanted[5] = std::min(wanted[5], T(v - 4)), wanted[6] = std::max(wanted[6], T(v + 3));
      }
    }
    for (int o = 0; o < 5; ++o)
      for (int k = 0; k < kPlaces; ++k)
        EXPECT_EQ(got[(g * 5 + o) * kPlaces + k], wanted[k])
            << sizeof(T) << " bytes, scope " << int(Scope) << ", order " << o << ", operation " << k;
  }
}

TEST(LibCuda, AtomicsOfEveryTypeOrderAndScope) {
  check_atomics<int, cuda::thread_scope_system>();
  check_atomics<unsigned, cuda::thread_scope_block>();
  check_atomics<long long, cuda::thread_scope_device>();
  check_atomics<unsigned long long, cuda::thread_scope_block>();
  check_atomics<float, cuda::thread_scope_device>();
  check_atomics<double, cuda::thread_scope_system>();
}

// There is no atom of 8 bits and few of 16, so libcu++ exchanges the word around such a number and elsewhere loads the
// number alone: a race between sizes, for which PTX's memory model promises nothing ("Limitations on mixed-size data-races") and which the full check
// tells. Without it the numbers are right.
TEST(LibCuda, AtomicsOfBytesAndShorts) {
  const char* const level = std::getenv("PTXVM_CHECK");
  if (level != nullptr && std::string(level) == "full") {
    Device<short> places(std::vector<short>(5 * kPlaces, 0));
    atomics_kernel<short, cuda::thread_scope_device><<<kBlocks, kThreads>>>(places.get());
    EXPECT_NE(cudaDeviceSynchronize(), cudaSuccess);
    EXPECT_NE(std::string(ptxvm_last_report()).find("race: strong"), std::string::npos) << ptxvm_last_report();
    EXPECT_EQ(cudaDeviceReset(), cudaSuccess);
    return;
  }
  check_atomics<short, cuda::thread_scope_device>();
  check_atomics<unsigned char, cuda::thread_scope_device>();
}

// Message passing: what was written before a release is seen after the acquire that read it, by each kind of pair.
template <cuda::thread_scope Scope>
__global__ void pass_kernel(int* data, int* flags, int* out, int rounds) {
  const bool writer = Scope == cuda::thread_scope_block ? threadIdx.x == 0 : blockIdx.x == 0;
  const int reader_at = Scope == cuda::thread_scope_block ? 32 : 0;  // another warp, or another block
  if (Scope != cuda::thread_scope_block && threadIdx.x != 0) return;
  if (Scope == cuda::thread_scope_block && threadIdx.x != 0 && int(threadIdx.x) != reader_at) return;
  for (int r = 0; r < rounds; ++r) {
    cuda::atomic_ref<int, Scope> flag(flags[r]);
    if (writer) {
      data[r] = r * 10 + 7;
      if (r % 3 == 0) flag.store(1, cuda::std::memory_order_release);
      if (r % 3 == 1) flag.exchange(1, cuda::std::memory_order_acq_rel);
      if (r % 3 == 2) {
        cuda::atomic_thread_fence(cuda::std::memory_order_seq_cst, Scope);
        flag.store(1, cuda::std::memory_order_relaxed);
      }
      flag.notify_all();
    } else {
      if (r % 2) {
        flag.wait(0, cuda::std::memory_order_acquire);
      } else {
        while (flag.load(cuda::std::memory_order_relaxed) == 0) {
        }
        cuda::atomic_thread_fence(cuda::std::memory_order_acquire, Scope);
      }
      out[r] = data[r];
    }
  }
}

TEST(LibCuda, ReleaseAndAcquirePassMessages) {
  const int rounds = 60;
  for (bool within : {true, false}) {
    Device<int> data(rounds), flags(std::vector<int>(rounds, 0)), out(rounds);
    if (within) pass_kernel<cuda::thread_scope_block><<<1, 64>>>(data.get(), flags.get(), out.get(), rounds);
    else pass_kernel<cuda::thread_scope_device><<<2, 64>>>(data.get(), flags.get(), out.get(), rounds);
    const std::vector<int> got = out.read();
    for (int r = 0; r < rounds; ++r) EXPECT_EQ(got[r], r * 10 + 7) << within;
  }
}

// At most three at a time hold the semaphore; all meet at the latch before the last number is taken.
__global__ void semaphore_kernel(int* most, int* before, int* after) {
  __shared__ cuda::counting_semaphore<cuda::thread_scope_block, 3> semaphore;
  __shared__ alignas(cuda::latch<cuda::thread_scope_block>) char place[sizeof(cuda::latch<cuda::thread_scope_block>)];
  auto& latch = *reinterpret_cast<cuda::latch<cuda::thread_scope_block>*>(place);
  __shared__ int inside, arrived;
  if (threadIdx.x == 0) {
    new (&semaphore) cuda::counting_semaphore<cuda::thread_scope_block, 3>(3);
    new (&latch) cuda::latch<cuda::thread_scope_block>(blockDim.x);
    inside = arrived = 0;
  }
  __syncthreads();
  semaphore.acquire();
  atomicMax(most + blockIdx.x, atomicAdd(&inside, 1) + 1);
  __nanosleep(20);
  atomicSub(&inside, 1);
  semaphore.release();
  before[blockIdx.x * blockDim.x + threadIdx.x] = atomicAdd(&arrived, 1);
  latch.arrive_and_wait();
  after[blockIdx.x * blockDim.x + threadIdx.x] = atomicAdd(&arrived, 0);
}

TEST(LibCuda, SemaphoreAndLatch) {
  Device<int> most(std::vector<int>(2, 0)), before(128), after(128);
  semaphore_kernel<<<2, 64>>>(most, before, after);
  for (int m : most.read()) {
    EXPECT_GE(m, 1);
    EXPECT_LE(m, 3);
  }
  std::vector<int> order = before.read();
  std::sort(order.begin(), order.begin() + 64);
  for (int i = 0; i < 64; ++i) EXPECT_EQ(order[i], i);
  for (int a : after.read()) EXPECT_EQ(a, 64);
}

__global__ void pieces_kernel(const float* in, float* out, int n) {
  const cuda::std::span<const float> numbers(in, n);
  cuda::std::complex<float> z(numbers[0], numbers[1]), sum(0, 0);
  for (const float v : numbers) sum += cuda::std::complex<float>(v, -v) * z;
  out[0] = sum.real(), out[1] = sum.imag();
  const auto e = cuda::std::exp(z / cuda::std::complex<float>(2, 1));
  out[2] = e.real(), out[3] = e.imag(), out[4] = cuda::std::abs(z), out[5] = cuda::std::arg(z);
  cuda::std::array<float, 4> a{};
  a.fill(2);
  cuda::std::get<1>(a) = numbers.back();
  const auto t = cuda::std::make_tuple(a[1], n, 'x');
  out[6] = cuda::std::get<0>(t) + float(cuda::std::get<1>(t));
  cuda::std::optional<int> nothing, something = n;
  out[7] = float(nothing.value_or(-1) + *something);
  cuda::std::variant<int, float> v = numbers[2];
  out[8] = cuda::std::visit([](auto x) { return float(x) * 2; }, v);
  v = n;
  out[9] = cuda::std::visit([](auto x) { return float(x) * 2; }, v);
  const unsigned u = unsigned(n) * 0x9e3779b9u;
  out[10] = float(cuda::std::popcount(u) + 100 * cuda::std::countl_zero(u >> 5) + 10000 * cuda::std::countr_zero(u << 3));
  out[11] = float(cuda::std::bit_ceil(unsigned(n)) + cuda::std::rotl(1u, n % 32) % 1000);
}

TEST(LibCuda, ComplexSpanTupleOptionalVariantAndBits) {
  const std::vector<float> in = {1.5f, -0.75f, 2.25f, 8, -3};
  const int n = int(in.size());
  Device<float> d_in(in), out(12);
  pieces_kernel<<<1, 1>>>(d_in, out, n);
  const std::vector<float> got = out.read();
  const std::complex<double> z(in[0], in[1]);
  std::complex<double> sum;
  for (float v : in) sum += std::complex<double>(v, -v) * z;
  const auto e = std::exp(z / std::complex<double>(2, 1));
  const double wanted[12] = {sum.real(), sum.imag(), e.real(), e.imag(), std::abs(z), std::arg(z), in[4] + double(n), n - 1., 4.5, 2. * n,
                             double(__builtin_popcount(n * 0x9e3779b9u) + 100 * __builtin_clz(n * 0x9e3779b9u >> 5) +
                                    10000 * __builtin_ctz(n * 0x9e3779b9u << 3)),
                             8 + 32};
  for (int k = 0; k < 12; ++k) EXPECT_NEAR(got[k], wanted[k], std::abs(wanted[k]) * 1e-6) << k;
}

__global__ void clock_kernel(long long* out) {
  const auto wall = cuda::std::chrono::system_clock::now();
  const auto begin = cuda::std::chrono::high_resolution_clock::now();
  for (int k = 0; k < 20; ++k) __nanosleep(100);
  const auto passed = cuda::std::chrono::high_resolution_clock::now() - begin;
  out[0] = cuda::std::chrono::duration_cast<cuda::std::chrono::seconds>(wall.time_since_epoch()).count();
  out[1] = cuda::std::chrono::duration_cast<cuda::std::chrono::nanoseconds>(passed).count();
}

TEST(LibCuda, ClocksTellTheTime) {
  Device<long long> out(2);
  clock_kernel<<<1, 1>>>(out);
  const std::vector<long long> got = out.read();
  EXPECT_NEAR(double(got[0]), double(time(nullptr)), 5);  // the timer counts from the epoch
  EXPECT_GE(got[1], 0);
  EXPECT_LT(got[1], 2'000'000'000);
}

// Hints about caches, which change no number.
__global__ void hints_kernel(const int* in, int* out, int n) {
  const cuda::annotated_ptr<const int, cuda::access_property::streaming> from(in);
  cuda::annotated_ptr<int, cuda::access_property> to(out, cuda::access_property::persisting{});
  const cuda::access_property part(cuda::access_property::persisting{}, 0.5f, cuda::access_property::streaming{});
  cuda::annotated_ptr<int, cuda::access_property> again(out, part);
  cuda::apply_access_property(in, n * sizeof(int), cuda::access_property::persisting{});
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) to[i] = from[i] + 1, again[i] = again[i] * 2;
  if (i == 0) cuda::discard_memory(out + n, 256);
}

TEST(LibCuda, AccessProperties) {
  const std::vector<int> in = whole_numbers<int>(200, -99, 99);
  Device<int> d_in(in), out(200 + 128);
  hints_kernel<<<2, 128>>>(d_in, out, 200);
  const std::vector<int> got = out.read();
  for (int i = 0; i < 200; ++i) EXPECT_EQ(got[i], (in[i] + 1) * 2);
}

}  // namespace
