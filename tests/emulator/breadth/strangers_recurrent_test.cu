// Recurrences in the manner of other people's kernels, written without a thought of the machine that runs
// them here: a persistent network whose blocks meet at a barrier of atomics, and the forward recursion of
// CTC, against fp64.
#include <limits>

#include "strangers.hpp"

namespace {

using namespace breadth;

// ---- A persistent network: h_t = tanh(x_t + R h_{t-1} + b). R [H,H] stays in registers, a warp a row and a
// lane every 32nd column; h goes round through global memory; all blocks are on the device at once and count
// each other in.

struct Rendezvous {
  unsigned arrived;
};

// Each thread fences what it wrote, or one thread does for its block behind the block's barrier: both are
// common.
template <bool EachFences>
__device__ void meet_all(Rendezvous* r, unsigned round) {
  if (EachFences) __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) {
    if (!EachFences) __threadfence();
    atomicAdd(&r->arrived, 1u);
    const volatile unsigned* seen = &r->arrived;
    while (*seen < round * gridDim.x) {
    }
    __threadfence();
  }
  __syncthreads();
}

template <int Hidden, int Rows, bool EachFences>
__global__ void __launch_bounds__(Rows * 32)
    persistent_kernel(const float* R, const float* bias, const float* x, float* h, int steps,
                      Rendezvous* rendezvous) {
  constexpr int kPer = Hidden / 32;
  const int lane = threadIdx.x & 31, row = blockIdx.x * Rows + (threadIdx.x >> 5);
  float r[kPer];
#pragma unroll
  for (int k = 0; k < kPer; ++k) r[k] = R[row * Hidden + k * 32 + lane];
  const float b = bias[row];
  __shared__ float last[Hidden];
  for (int t = 0; t < steps; ++t) {
    for (int i = threadIdx.x; i < Hidden; i += blockDim.x) last[i] = __ldcg(h + t * Hidden + i);
    __syncthreads();
    float sum = 0;
#pragma unroll
    for (int k = 0; k < kPer; ++k) sum = fmaf(r[k], last[k * 32 + lane], sum);
    for (int off = 16; off; off >>= 1) sum += __shfl_down_sync(0xffffffff, sum, off);
    if (lane == 0) h[(t + 1) * Hidden + row] = tanhf(x[t * Hidden + row] + sum + b);
    meet_all<EachFences>(rendezvous, unsigned(t) + 1);
  }
}

template <int Hidden, int Rows, bool EachFences>
void check_persistent(int steps) {
  const std::vector<float> R = uniform(Hidden * Hidden, 1.0 / std::sqrt(Hidden), 1),
                           b = uniform(Hidden, 0.3, 2), x = uniform(std::size_t(steps) * Hidden, 1, 3),
                           h0 = uniform(Hidden, 1, 4);
  std::vector<float> start((std::size_t(steps) + 1) * Hidden, std::nanf(""));
  std::copy(h0.begin(), h0.end(), start.begin());
  Device<float> d_R(R), d_b(b), d_x(x), d_h(start);
  Device<Rendezvous> meeting(std::vector<Rendezvous>{{0}});
  persistent_kernel<Hidden, Rows, EachFences>
      <<<Hidden / Rows, Rows * 32>>>(d_R, d_b, d_x, d_h, steps, meeting);
  const std::vector<float> got = d_h.read();
  std::vector<double> h(h0.begin(), h0.end()), next(Hidden);
  double error = 0;  // of the h before: a row of R grows it by its sum at the most
  for (int t = 0; t < steps; ++t) {
    double worst = 0;
    for (int i = 0; i < Hidden; ++i) {
      double sum = double(x[t * Hidden + i]) + b[i], size = 1.3, gain = 0;
      for (int k = 0; k < Hidden; ++k) {
        sum += double(R[i * Hidden + k]) * h[k];
        size += std::fabs(R[i * Hidden + k] * h[k]);
        gain += std::fabs(R[i * Hidden + k]);
      }
      next[i] = std::tanh(sum);
      // Hidden/32 products, five additions in the warp, two more, and tanhf's two places.
      const double bound = gain * error + (Hidden / 32 + 7) * kSingle * size + 4 * kSingle;
      ASSERT_NEAR(got[(t + 1) * Hidden + i], next[i], bound) << Hidden << " step " << t << " unit " << i;
      worst = std::max(worst, bound);
    }
    error = worst;
    h.swap(next);
  }
}

TEST(Strangers, PersistentNetworkWithABarrierOfAtomics) {
  check_persistent<32, 4, false>(7);
  check_persistent<128, 8, false>(5);
  check_persistent<256, 2, false>(3);
  check_persistent<64, 4, true>(6);
  check_persistent<128, 4, true>(4);
}

// ---- The forward recursion of connectionist temporal classification: a block a sequence, the labels with
// blanks between in shared memory, a row of logarithms after the other.

__device__ float log_plus(float a, float b) {
  const float m = fmaxf(a, b);
  return m == -INFINITY ? -INFINITY : m + log1pf(expf(-fabsf(a - b)));
}

__global__ void ctc_alpha(const float* log_probability, const int* labels, const int* label_at,
                          const int* steps, float* loss, int classes, int batch) {
  extern __shared__ float rows[];
  const int label_count = label_at[blockIdx.x + 1] - label_at[blockIdx.x], states = 2 * label_count + 1;
  const int* label = labels + label_at[blockIdx.x];
  float *now = rows, *next = rows + states;
  int* symbol = reinterpret_cast<int*>(rows + 2 * states);
  for (int s = threadIdx.x; s < states; s += blockDim.x) {
    symbol[s] = s % 2 ? label[s / 2] : 0;
    now[s] = s < 2 ? log_probability[blockIdx.x * classes + symbol[s]] : -INFINITY;
  }
  __syncthreads();
  for (int t = 1; t < steps[blockIdx.x]; ++t) {
    for (int s = threadIdx.x; s < states; s += blockDim.x) {
      float a = now[s];
      if (s > 0) a = log_plus(a, now[s - 1]);
      if (s > 1 && symbol[s] != 0 && symbol[s] != symbol[s - 2]) a = log_plus(a, now[s - 2]);
      next[s] = a + log_probability[(t * batch + blockIdx.x) * classes + symbol[s]];
    }
    __syncthreads();
    float* const swap = now;
    now = next;
    next = swap;
  }
  if (threadIdx.x == 0)
    loss[blockIdx.x] = -(states > 1 ? log_plus(now[states - 1], now[states - 2]) : now[0]);
}

TEST(Strangers, CtcForward) {
  const int classes = 6, batch = 3, most = 20;
  const std::vector<int> label_at = {0, 4, 4, 11}, steps = {9, 5, 20},
                         labels = {1, 1, 2, 5, 3, 3, 3, 4, 1, 2, 2};
  std::vector<float> logs = uniform(most * batch * classes, 2, 13);
  for (std::size_t at = 0; at < logs.size(); at += classes) {
    double sum = 0;
    for (int k = 0; k < classes; ++k) sum += std::exp(logs[at + k]);
    for (int k = 0; k < classes; ++k) logs[at + k] -= float(std::log(sum));
  }
  Device<float> d_logs(logs), loss(batch);
  Device<int> d_labels(labels), d_at(label_at), d_steps(steps);
  ctc_alpha<<<batch, 8, 3 * 15 * 4>>>(d_logs, d_labels, d_at, d_steps, loss, classes, batch);
  const std::vector<float> got = loss.read();
  for (int b = 0; b < batch; ++b) {
    const int states = 2 * (label_at[b + 1] - label_at[b]) + 1;
    auto symbol = [&](int s) { return s % 2 ? labels[label_at[b] + s / 2] : 0; };
    std::vector<double> p(states), next(states);  // probabilities themselves
    for (int s = 0; s < std::min(states, 2); ++s) p[s] = std::exp(double(logs[b * classes + symbol(s)]));
    for (int t = 1; t < steps[b]; ++t) {
      for (int s = 0; s < states; ++s) {
        next[s] =
            p[s] + (s > 0 ? p[s - 1] : 0) + (s > 1 && symbol(s) && symbol(s) != symbol(s - 2) ? p[s - 2] : 0);
        next[s] *= std::exp(double(logs[(t * batch + b) * classes + symbol(s)]));
      }
      p.swap(next);
    }
    const double wanted = -std::log(p[states - 1] + (states > 1 ? p[states - 2] : 0));
    // Logarithms below 64; a step adds thrice, each time rounding and losing a few units of log1p's.
    EXPECT_NEAR(got[b], wanted, steps[b] * 3 * 64 * kSingle) << b;
  }
}

}  // namespace
