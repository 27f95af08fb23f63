// The intrinsics over integers that have no name in C++, and integers of 128 bits, against the host.
#include <algorithm>

#include "strangers.hpp"

namespace {

using namespace breadth;

constexpr int kWhole = 28;
__global__ void whole_kernel(const unsigned* x, const unsigned* y, unsigned* out, int n) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= n) return;
  const unsigned a = x[i], b = y[i];
  const unsigned __int128 wide = ((unsigned __int128)a << 64 | (unsigned __int128)b << 30) / (b | 1u);
  const unsigned r[kWhole] = {unsigned(__popc(a)),
                              unsigned(__clz(int(a))),
                              unsigned(__ffs(int(a))),
                              __brev(a),
                              __byte_perm(a, b, 0x5276),
                              __funnelshift_l(a, b, b),
                              __funnelshift_r(a, b, b),
                              __funnelshift_lc(a, b, b),
                              __umulhi(a, b),
                              unsigned(__mulhi(int(a), int(b))),
                              __umul24(a, b),
                              __usad(a, b, 7),
                              unsigned(__sad(int(a), int(b), 7u)),
                              __uhadd(a, b),
                              unsigned(__rhadd(int(a), int(b))),
                              unsigned(__dp4a(int(a), int(b), 5)),
                              __dp4a(a, b, 5u),
                              unsigned(__dp2a_lo(int(a), int(b), 5)),
                              __vadd4(a, b),
                              __vabsdiffu4(a, b),
                              __vmaxs2(a, b),
                              __vcmpgtu4(a, b),
                              __vavgu4(a, b),
                              __vaddss4(a, b),
                              unsigned(__popcll((unsigned long long)a << 32 | b)),
                              unsigned(__brevll((unsigned long long)a << 32 | b)),
                              unsigned(wide),
                              unsigned(wide >> 64)};
  for (int k = 0; k < kWhole; ++k) out[k * n + i] = r[k];
}

template <class F>
unsigned bytewise(unsigned a, unsigned b, F f) {
  unsigned r = 0;
  for (int k = 0; k < 4; ++k) r |= unsigned(f(a >> 8 * k & 255, b >> 8 * k & 255) & 255) << 8 * k;
  return r;
}
unsigned byte_of(unsigned a, unsigned b, unsigned which) {
  const std::uint64_t both = std::uint64_t(b) << 32 | a;
  return unsigned(both >> 8 * (which & 7)) & 255;
}

TEST(Language, IntrinsicsOfIntegers) {
  std::vector<unsigned> x = any_numbers<unsigned>(500, 1), y = any_numbers<unsigned>(500, 2);
  for (unsigned v : {0u, 1u, 31u, 32u, 0x7fffffffu, 0x80000000u, 0xffffffffu, 0x80ff7f01u})
    for (unsigned w : {0u, 1u, 33u, 0x80000000u, 0xffffffffu, 0x017f8000u}) x.push_back(v), y.push_back(w);
  const int n = int(x.size());
  Device<unsigned> d_x(x), d_y(y), out(kWhole * n);
  whole_kernel<<<(n + 63) / 64, 64>>>(d_x, d_y, out, n);
  const std::vector<unsigned> got = out.read();
  for (int i = 0; i < n; ++i) {
    const unsigned a = x[i], b = y[i];
    const int sa = int(a), sb = int(b);
    unsigned turned = 0;
    for (int k = 0; k < 32; ++k) turned |= (a >> k & 1) << (31 - k);
    const std::uint64_t both = std::uint64_t(b) << 32 | a, other = std::uint64_t(a) << 32 | b;
    std::uint64_t other_turned = 0;
    for (int k = 0; k < 64; ++k) other_turned |= (other >> k & 1) << (63 - k);
    int dot = 5, dot2 = 5;
    unsigned udot = 5;
    for (int k = 0; k < 4; ++k)
      dot += int(std::int8_t(a >> 8 * k)) * std::int8_t(b >> 8 * k),
          udot += (a >> 8 * k & 255) * (b >> 8 * k & 255);
    for (int k = 0; k < 2; ++k) dot2 += int(std::int16_t(a >> 16 * k)) * std::int8_t(b >> 8 * k);
    unsigned most = 0;
    for (int k = 0; k < 2; ++k)
      most |= unsigned(std::uint16_t(std::max(std::int16_t(a >> 16 * k), std::int16_t(b >> 16 * k))))
              << 16 * k;
    const unsigned __int128 wide = ((unsigned __int128)a << 64 | (unsigned __int128)b << 30) / (b | 1u);
    const unsigned wanted[kWhole] = {
        unsigned(__builtin_popcount(a)),
        a ? unsigned(__builtin_clz(a)) : 32,
        unsigned(__builtin_ffs(sa)),
        turned,
        byte_of(a, b, 6) | byte_of(a, b, 7) << 8 | byte_of(a, b, 2) << 16 | byte_of(a, b, 5) << 24,
        unsigned(both << (b & 31) >> 32),
        unsigned(both >> (b & 31)),
        b < 32 ? unsigned(both << b >> 32) : a,
        unsigned(std::uint64_t(a) * b >> 32),
        unsigned(std::int64_t(sa) * sb >> 32),
        (a & 0xffffff) * (b & 0xffffff),
        (a > b ? a - b : b - a) + 7,
        unsigned(sa > sb ? a - b : b - a) + 7,
        unsigned((std::uint64_t(a) + b) >> 1),
        unsigned((std::int64_t(sa) + sb + 1) >> 1),
        unsigned(dot),
        udot,
        unsigned(dot2),
        bytewise(a, b, [](int p, int q) { return p + q; }),
        bytewise(a, b, [](int p, int q) { return std::abs(p - q); }),
        most,
        bytewise(a, b, [](int p, int q) { return p > q ? 255 : 0; }),
        bytewise(a, b, [](int p, int q) { return (p + q + 1) / 2; }),
        bytewise(a, b,
                 [](int p, int q) { return std::clamp(int(std::int8_t(p)) + std::int8_t(q), -128, 127); }),
        unsigned(__builtin_popcountll(other)),
        unsigned(other_turned),
        unsigned(wide),
        unsigned(wide >> 64)};
    for (int k = 0; k < kWhole; ++k)
      ASSERT_EQ(got[k * n + i], wanted[k]) << "intrinsic " << k << " of " << a << " and " << b;
  }
}

}  // namespace
