// Fused cells in the manner of other people's kernels: an LSTM's in fp32 and in pairs of fp16, a GRU's over
// tensors of any strides, against fp64.
#include <cuda_fp16.h>

#include "strangers.hpp"

namespace {

using namespace breadth;

// ---- A fused LSTM cell behind a product: gates [N,4H] and their bias in, c and h out, gate order i f g o.

__device__ __forceinline__ float sigmoidf(float v) { return 1.f / (1.f + __expf(-v)); }

__global__ void lstm_cell(int n, int hidden, const float* __restrict__ gates, const float* __restrict__ bias,
                          const float* __restrict__ c_in, float* __restrict__ c_out,
                          float* __restrict__ h_out) {
  const int total = n * hidden;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < total; i += gridDim.x * blockDim.x) {
    const int row = i / hidden, unit = i % hidden;
    float g[4];
#pragma unroll
    for (int k = 0; k < 4; ++k)
      g[k] = __ldg(gates + row * 4 * hidden + k * hidden + unit) + __ldg(bias + k * hidden + unit);
    const float c = sigmoidf(g[1]) * c_in[i] + sigmoidf(g[0]) * tanhf(g[2]);
    c_out[i] = c;
    h_out[i] = sigmoidf(g[3]) * tanhf(c);
  }
}

__device__ __forceinline__ __half2 sigmoid2(__half2 v) {
  return h2rcp(__hadd2(__float2half2_rn(1.f), h2exp(__hneg2(v))));
}
__device__ __forceinline__ __half2 tanh2(__half2 v) {  // 2 sigmoid(2 v) - 1
  return __hfma2(__float2half2_rn(2.f), sigmoid2(__hadd2(v, v)), __float2half2_rn(-1.f));
}

__global__ void lstm_cell_half2(int n, int hidden, const __half* gates, const __half* bias,
                                const __half* c_in, __half* c_out, __half* h_out) {
  const int pairs = hidden / 2;
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n * pairs) return;
  const int row = i / pairs, pair = i % pairs;
  __half2 g[4];
  for (int k = 0; k < 4; ++k)
    g[k] = __hadd2(reinterpret_cast<const __half2*>(gates)[(row * 4 + k) * pairs + pair],
                   reinterpret_cast<const __half2*>(bias)[k * pairs + pair]);
  const __half2 c = __hfma2(sigmoid2(g[1]), reinterpret_cast<const __half2*>(c_in)[i],
                            __hmul2(sigmoid2(g[0]), tanh2(g[2])));
  reinterpret_cast<__half2*>(c_out)[i] = c;
  reinterpret_cast<__half2*>(h_out)[i] = __hmul2(sigmoid2(g[3]), tanh2(c));
}

template <class T, class Launch>
void check_lstm_cell(int n, int hidden, double unit, Launch launch) {
  const std::vector<T> gates = rounded<T>(uniform(std::size_t(n) * 4 * hidden, 3, 5)),
                       bias = rounded<T>(uniform(4 * hidden, 1, 6)),
                       c = rounded<T>(uniform(std::size_t(n) * hidden, 2, 7));
  Device<T> d_gates(gates), d_bias(bias), d_c(c), c_out(c.size()), h_out(c.size());
  launch(d_gates.get(), d_bias.get(), d_c.get(), c_out.get(), h_out.get());
  const std::vector<T> got_c = c_out.read(), got_h = h_out.read();
  for (int i = 0; i < n * hidden; ++i) {
    double g[4];
    for (int k = 0; k < 4; ++k)
      g[k] = double(float(gates[i / hidden * 4 * hidden + k * hidden + i % hidden])) +
             float(bias[k * hidden + i % hidden]);
    const double wanted_c = sigmoid(g[1]) * float(c[i]) + sigmoid(g[0]) * std::tanh(g[2]),
                 wanted_h = sigmoid(g[3]) * std::tanh(wanted_c);
    // A gate is off by the rounding of its argument (|g| < 4, slope 1/4), of exp, of the sum and of the
    // quotient: less than 8 units; a tanh twice that and one more; c takes two gates times numbers below 2, h
    // a gate and a tanh of c.
    const double gate = 8 * unit, tanh = 17 * unit,
                 c_bound = 2 * gate + gate + tanh + 3 * unit * (1 + std::fabs(wanted_c));
    ASSERT_NEAR(double(float(got_c[i])), wanted_c, c_bound) << i;
    ASSERT_NEAR(double(float(got_h[i])), wanted_h, c_bound + gate + tanh + unit) << i;
  }
}

TEST(Strangers, FusedLstmCell) {
  for (const auto& [n, hidden] : {std::pair{1, 1}, {3, 37}, {16, 128}})
    check_lstm_cell<float>(n, hidden, 4 * kSingle,
                           [&, n = n, hidden = hidden](float* g, float* b, float* c, float* c1, float* h1) {
                             lstm_cell<<<5, 96>>>(
                                 n, hidden, g, b, c, c1,
                                 h1);  // __expf: ex2.approx behind a product, within 4 units here
                           });
  for (const auto& [n, hidden] : {std::pair{1, 2}, {3, 38}, {16, 128}})
    check_lstm_cell<__half>(
        n, hidden, kHalf,
        [&, n = n, hidden = hidden](__half* g, __half* b, __half* c, __half* c1, __half* h1) {
          lstm_cell_half2<<<(n * hidden / 2 + 63) / 64, 64>>>(n, hidden, g, b, c, c1, h1);
        });
}

// ---- A GRU cell over tensors of any strides: a number of an element becomes an offset by division after
// division, by sizes and strides that travel in the parameters; contiguous ones are told apart by a template.

template <class T>
struct View {
  T* data;
  unsigned sizes[4], strides[4];
  int dims;
};

template <class T, int Dims>
struct Offset {
  static __host__ __device__ unsigned of(unsigned element, const View<T>& v) {
    unsigned offset = 0;
    for (int d = Dims - 1; d > 0; --d) {
      offset += element % v.sizes[d] * v.strides[d];
      element /= v.sizes[d];
    }
    return offset + element * v.strides[0];
  }
};
template <class T>
struct Offset<T, -1> {
  static __host__ __device__ unsigned of(unsigned element, const View<T>& v) {
    unsigned offset = 0;
    for (int d = v.dims - 1; d > 0; --d) {
      offset += element % v.sizes[d] * v.strides[d];
      element /= v.sizes[d];
    }
    return offset + element * v.strides[0];
  }
};

// Reset-after, gates in the order r z n. What backward wants, r z n h and the hidden part of n, is stored
// beside.
template <class T, int Dims>
__global__ void gru_cell(View<const T> input, View<const T> hidden, const T* bias1, const T* bias2,
                         View<const T> last, View<T> out, View<T> storage, unsigned units, unsigned total) {
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < total; i += blockDim.x * gridDim.x) {
    const unsigned gate = i / units * 3 * units + i % units, unit = i % units;
    auto in = [&](unsigned k) {
      return float(input.data[Offset<const T, Dims>::of(gate + k * units, input)]) +
             float(bias1[unit + k * units]);
    };
    auto hid = [&](unsigned k) {
      return float(hidden.data[Offset<const T, Dims>::of(gate + k * units, hidden)]) +
             float(bias2[unit + k * units]);
    };
    const float hx = last.data[Offset<const T, Dims>::of(i, last)];
    const float r = 1.f / (1.f + expf(-in(0) - hid(0))), z = 1.f / (1.f + expf(-in(1) - hid(1)));
    const float hn = hid(2), n = tanhf(in(2) + r * hn);
    out.data[Offset<T, Dims>::of(i, out)] = T((hx - n) * z + n);
    const unsigned at = i / units * 5 * units + unit;
    const float kept[5] = {r, z, n, hx, hn};
    for (unsigned k = 0; k < 5; ++k) storage.data[Offset<T, Dims>::of(at + k * units, storage)] = T(kept[k]);
  }
}

template <class T>
View<T> view(T* data, unsigned rows, unsigned columns, unsigned stride, unsigned step) {
  return {data, {rows, columns}, {stride, step}, 2};
}

template <int Dims>
void check_gru_cell(unsigned n, unsigned units, unsigned step, unsigned pad) {
  auto stride = [&](unsigned columns) { return columns * step + pad; };
  auto fill = [&](unsigned columns, unsigned seed) {
    return uniform(std::size_t(n) * stride(columns), 2, seed);
  };
  const std::vector<float> input = fill(3 * units, 8), hidden = fill(3 * units, 9), last = fill(units, 10),
                           b1 = uniform(3 * units, 0.5, 11), b2 = uniform(3 * units, 0.5, 12);
  Device<float> d_input(input), d_hidden(hidden), d_last(last), d_b1(b1), d_b2(b2), out(n * stride(units)),
      storage(n * stride(5 * units));
  auto in = [&](Device<float>& d, unsigned columns) {
    return view<const float>(d, n, columns, stride(columns), step);
  };
  gru_cell<float, Dims><<<3, 64>>>(in(d_input, 3 * units), in(d_hidden, 3 * units), d_b1, d_b2,
                                   in(d_last, units), view<float>(out, n, units, stride(units), step),
                                   view<float>(storage, n, 5 * units, stride(5 * units), step), units,
                                   n * units);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess) << cudaGetErrorString(cudaGetLastError());
  const std::vector<float> got = out.read(), kept = storage.read();
  for (unsigned row = 0; row < n; ++row)
    for (unsigned u = 0; u < units; ++u) {
      auto gate = [&](const std::vector<float>& v, const std::vector<float>& b, unsigned k) {
        return double(v[row * stride(3 * units) + (k * units + u) * step]) + b[k * units + u];
      };
      const double r = sigmoid(gate(input, b1, 0) + gate(hidden, b2, 0)),
                   z = sigmoid(gate(input, b1, 1) + gate(hidden, b2, 1));
      const double hn = gate(hidden, b2, 2), nn = std::tanh(gate(input, b1, 2) + r * hn),
                   hx = last[row * stride(units) + u * step];
      const double wanted[5] = {r, z, nn, hx, hn};
      // Arguments below 8 are off by four roundings, expf by two places, quotient and sum by one each; tanhf
      // by two.
      for (unsigned k = 0; k < 5; ++k)
        ASSERT_NEAR(kept[row * stride(5 * units) + (k * units + u) * step], wanted[k], 64 * kSingle)
            << row << " " << u << " " << k;
      ASSERT_NEAR(got[row * stride(units) + u * step], (hx - nn) * z + nn, 3 * 64 * kSingle)
          << row << " " << u;
    }
}

TEST(Strangers, GruCellOverAnyStrides) {
  check_gru_cell<2>(4, 33, 1, 0);
  check_gru_cell<2>(5, 16, 3, 7);
  check_gru_cell<-1>(5, 16, 3, 7);
  check_gru_cell<-1>(1, 1, 1, 0);
}

}  // namespace
