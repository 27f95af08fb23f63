// curand's generators in kernels: Philox against the published algorithm and its test vectors, XORWOW and MRG32k3a
// against their authors' recurrences and jumps ahead.
#include <curand_kernel.h>

#include <array>
#include <cmath>

#include "device.hpp"

namespace {

using namespace breadth;
using Words = std::array<std::uint32_t, 4>;

// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers, as easy as 1, 2, 3; SC11).
Words philox(Words c, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * c[0], b = std::uint64_t{0xCD9E8D57} * c[2];
    c = {std::uint32_t(b >> 32) ^ c[1] ^ key[0], std::uint32_t(b), std::uint32_t(a >> 32) ^ c[3] ^ key[1], std::uint32_t(a)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return c;
}

__global__ void block_kernel(const uint4* counters, const uint2* keys, uint4* out) {
  out[threadIdx.x] = curand_Philox4x32_10(counters[threadIdx.x], keys[threadIdx.x]);
}

// The vectors that come with Random123 (kat_vectors).
TEST(Random, PhiloxGivesThePublishedVectors) {
  Device<uint4> counters(std::vector<uint4>{{0, 0, 0, 0}, {~0u, ~0u, ~0u, ~0u}, {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}), out(3);
  Device<uint2> keys(std::vector<uint2>{{0, 0}, {~0u, ~0u}, {0xa4093822, 0x299f31d0}});
  block_kernel<<<1, 3>>>(counters, keys, out);
  const Words wanted[3] = {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
                           {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
                           {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}};
  const std::vector<uint4> got = out.read();
  for (int k = 0; k < 3; ++k) EXPECT_EQ((Words{got[k].x, got[k].y, got[k].z, got[k].w}), wanted[k]) << k;
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}), wanted[2]);
}

constexpr std::uint64_t kSeed = 0x123456789abcdef0;
constexpr std::uint64_t kSequence = 0xfedcba9800000000;
constexpr int kDraws = 11;

__global__ void philox_kernel(std::uint64_t offset, unsigned* bits, float4* uniform, float2* normal, double* doubles) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  curandStatePhilox4_32_10_t state;
  curand_init(kSeed, kSequence + i, offset, &state);
  for (int k = 0; k < kDraws; ++k) bits[i * kDraws + k] = curand(&state);
  curand_init(kSeed, kSequence + i, offset, &state);
  uniform[i] = curand_uniform4(&state);
  curand_init(kSeed, kSequence + i, offset, &state);
  normal[i] = curand_normal2(&state);
  curand_init(kSeed, kSequence + i, offset, &state);
  doubles[i] = curand_uniform_double(&state);
}

TEST(Random, PhiloxSequencesAndOffsets) {
  const int n = 3 * 40;
  Device<unsigned> bits(n * kDraws);
  Device<float4> uniform(n);
  Device<float2> normal(n);
  Device<double> doubles(n);
  for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{3}, std::uint64_t{4 * 0xffffffffull + 2}}) {
    philox_kernel<<<3, 40>>>(offset, bits, uniform, normal, doubles);
    const auto got = bits.read();
    const auto got_uniform = uniform.read();
    const auto got_normal = normal.read();
    const auto got_doubles = doubles.read();
    for (int i = 0; i < n; ++i) {
      std::vector<std::uint32_t> draws;  // the sequence from offset on
      for (std::uint64_t at = offset; draws.size() < kDraws; ++at) {
        const std::uint64_t block = at / 4, sequence = kSequence + i;
        draws.push_back(philox({std::uint32_t(block), std::uint32_t(block >> 32), std::uint32_t(sequence), std::uint32_t(sequence >> 32)},
                               {std::uint32_t(kSeed), std::uint32_t(kSeed >> 32)})[at % 4]);
      }
      for (int k = 0; k < kDraws; ++k) ASSERT_EQ(got[i * kDraws + k], draws[k]) << i << " " << k << " " << offset;
      // (0, 1]: the middle of each of 2^32 parts, rounded to fp32 once for the number and once for the sum.
      const float* u = &got_uniform[i].x;
      for (int k = 0; k < 4; ++k) EXPECT_NEAR(u[k], (draws[k] + 0.5) / 4294967296.0, 1.2e-7) << i;
      // Box and Muller: what fp32 loses in the angle, up to 2 pi, and in the logarithm.
      const double a = (draws[0] + 0.5) / 4294967296.0, b = 2 * M_PI * (draws[1] + 0.5) / 4294967296.0;
      const double r = std::sqrt(-2 * std::log(a));
      EXPECT_NEAR(got_normal[i].x, r * std::sin(b), 3e-6 * (1 + r)) << i;
      EXPECT_NEAR(got_normal[i].y, r * std::cos(b), 3e-6 * (1 + r)) << i;
      EXPECT_GT(got_doubles[i], 0);
      EXPECT_LE(got_doubles[i], 1);
    }
  }
}

struct XorwowRecord {
  unsigned v[5], d, draws[8];
};
__global__ void xorwow_kernel(std::uint64_t seed, std::uint64_t sequence, std::uint64_t offset, XorwowRecord* out) {
  curandStateXORWOW_t state;
  curand_init(seed, sequence, offset, &state);
  for (int k = 0; k < 5; ++k) out->v[k] = state.v[k];
  out->d = state.d;
  for (unsigned& draw : out->draws) draw = curand(&state);
}
XorwowRecord xorwow(std::uint64_t sequence, std::uint64_t offset) {
  Device<XorwowRecord> out(1);
  xorwow_kernel<<<1, 1>>>(kSeed, sequence, offset, out);
  return out.first();
}

// Marsaglia: Xorshift RNGs, 2003, section 3.1.
void xorwow_step(unsigned* v) {
  const unsigned t = v[0] ^ v[0] >> 2;
  for (int k = 0; k < 4; ++k) v[k] = v[k + 1];
  v[4] = (v[4] ^ v[4] << 4) ^ (t ^ t << 1);
}

TEST(Random, XorwowStepsAndSkipsAsItsRecurrenceSays) {
  const XorwowRecord start = xorwow(0, 0);
  auto check = [&](const XorwowRecord& got, const unsigned* state, unsigned d) {
    std::array<unsigned, 5> v;
    std::copy_n(state, 5, v.begin());
    for (int k = 0; k < 5; ++k) EXPECT_EQ(got.v[k], v[k]);
    EXPECT_EQ(got.d, d);
    for (const unsigned draw : got.draws) {
      xorwow_step(v.data());
      EXPECT_EQ(draw, v[4] + (d += 362437));
    }
  };
  check(start, start.v, start.d);
  unsigned v[5];
  std::copy_n(start.v, 5, v);
  for (int k = 0; k < 1000; ++k) xorwow_step(v);
  check(xorwow(0, 1000), v, start.d + 1000 * 362437);

  // Sequence s begins 2^67 s steps ahead: a step is linear over single bits, so its matrix is squared 67 times.
  using Row = std::array<unsigned, 5>;
  std::vector<Row> matrix(160), square(160);  // row i: what becomes of bit i alone
  auto apply = [](const std::vector<Row>& m, const unsigned* in) {
    Row out{};
    for (int i = 0; i < 160; ++i)
      if (in[i / 32] >> (i % 32) & 1)
        for (int k = 0; k < 5; ++k) out[k] ^= m[i][k];
    return out;
  };
  for (int i = 0; i < 160; ++i) matrix[i] = {}, matrix[i][i / 32] = 1u << (i % 32), xorwow_step(matrix[i].data());
  for (int times = 0; times < 67; ++times) {
    for (int i = 0; i < 160; ++i) square[i] = apply(matrix, matrix[i].data());
    matrix.swap(square);
  }
  Row ahead;
  std::copy_n(start.v, 5, ahead.begin());
  for (int sequence = 0; sequence < 5; ++sequence) ahead = apply(matrix, ahead.data());
  check(xorwow(5, 0), ahead.data(), start.d);
}

struct MrgRecord {
  std::uint64_t s1[3], s2[3];
  double draws[8];
};
__global__ void mrg_kernel(std::uint64_t seed, std::uint64_t sequence, std::uint64_t offset, MrgRecord* out) {
  curandStateMRG32k3a_t state;
  curand_init(seed, sequence, offset, &state);
  for (int k = 0; k < 3; ++k) out->s1[k] = std::uint64_t(state.s1[k]), out->s2[k] = std::uint64_t(state.s2[k]);
  for (double& draw : out->draws) draw = curand_uniform_double(&state);
}
MrgRecord mrg(std::uint64_t sequence, std::uint64_t offset) {
  Device<MrgRecord> out(1);
  mrg_kernel<<<1, 1>>>(kSeed, sequence, offset, out);
  return out.first();
}

// L'Ecuyer: Good parameters and implementations for combined multiple recursive random number generators, 1999.
constexpr std::uint64_t kM1 = 4294967087, kM2 = 4294944443;
using Matrix = std::array<std::array<std::uint64_t, 3>, 3>;
const Matrix kStep1 = {{{0, 1, 0}, {0, 0, 1}, {kM1 - 810728, 1403580, 0}}};
const Matrix kStep2 = {{{0, 1, 0}, {0, 0, 1}, {kM2 - 1370589, 0, 527612}}};
Matrix times(const Matrix& a, const Matrix& b, std::uint64_t m) {
  Matrix c{};
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j)
      for (int k = 0; k < 3; ++k) c[i][j] = (c[i][j] + a[i][k] * b[k][j] % m) % m;
  return c;
}
std::array<std::uint64_t, 3> times(const Matrix& a, const std::uint64_t* v, std::uint64_t m) {
  std::array<std::uint64_t, 3> r{};
  for (int i = 0; i < 3; ++i)
    for (int k = 0; k < 3; ++k) r[i] = (r[i] + a[i][k] * v[k] % m) % m;
  return r;
}

TEST(Random, MrgStepsAndSkipsAsItsRecurrenceSays) {
  const MrgRecord start = mrg(0, 0);
  auto check = [](const MrgRecord& got, std::array<std::uint64_t, 3> a, std::array<std::uint64_t, 3> b) {
    for (int k = 0; k < 3; ++k) {
      EXPECT_EQ(got.s1[k], a[k]);
      EXPECT_EQ(got.s2[k], b[k]);
    }
    for (const double draw : got.draws) {
      a = times(kStep1, a.data(), kM1);
      b = times(kStep2, b.data(), kM2);
      const std::uint64_t z = a[2] > b[2] ? a[2] - b[2] : a[2] + kM1 - b[2];
      EXPECT_NEAR(draw, double(z) / double(kM1), 1e-15);  // (0, 1]
    }
  };
  auto at = [&](const Matrix& one, const Matrix& two) {
    return std::pair{times(one, start.s1, kM1), times(two, start.s2, kM2)};
  };
  const Matrix unit = {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
  Matrix one = unit, two = unit;
  check(start, at(one, two).first, at(one, two).second);
  for (int k = 0; k < 1000; ++k) one = times(one, kStep1, kM1), two = times(two, kStep2, kM2);
  check(mrg(0, 1000), at(one, two).first, at(one, two).second);
  one = kStep1, two = kStep2;
  for (int k = 0; k < 76; ++k) one = times(one, one, kM1), two = times(two, two, kM2);  // a sequence is 2^76 steps
  check(mrg(1, 0), at(one, two).first, at(one, two).second);
}

}  // namespace
