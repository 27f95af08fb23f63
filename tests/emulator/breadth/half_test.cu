// The functions of cuda_fp16.h and cuda_bf16.h in kernels, of every number there is, against fp64.
#include <algorithm>
#include <functional>

#include "half.hpp"

namespace {

using namespace breadth;

// ---- One operand: all 65,536. In pairs each beside another, whose result must be the same again.

constexpr int kOnes = 18;
template <class T>
__global__ void one_operand(Bits* out, unsigned* differs) {
  using Pair = typename Type<T>::Pair;
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  const T a = number<T>(Bits(i)), b = number<T>(Bits(i * 7 + 3));
  const Pair p(a, b);
  int n = 0;
  auto put = [&](auto one, auto two) {
    const T r = one(a), other = one(b);
    const Pair q = two(p);
    out[n++ * 65536 + i] = bits(r);
    auto equal = [](T x, T y) { return bits(x) == bits(y) || (__hisnan(x) && __hisnan(y)); };
    if (!equal(q.x, r) || !equal(q.y, other)) atomicAdd(differs + n - 1, 1u);
  };
  put([](T v) { return hsqrt(v); }, [](Pair v) { return h2sqrt(v); });
  put([](T v) { return hrsqrt(v); }, [](Pair v) { return h2rsqrt(v); });
  put([](T v) { return hrcp(v); }, [](Pair v) { return h2rcp(v); });
  put([](T v) { return hexp(v); }, [](Pair v) { return h2exp(v); });
  put([](T v) { return hexp2(v); }, [](Pair v) { return h2exp2(v); });
  put([](T v) { return hexp10(v); }, [](Pair v) { return h2exp10(v); });
  put([](T v) { return hlog(v); }, [](Pair v) { return h2log(v); });
  put([](T v) { return hlog2(v); }, [](Pair v) { return h2log2(v); });
  put([](T v) { return hlog10(v); }, [](Pair v) { return h2log10(v); });
  put([](T v) { return hsin(v); }, [](Pair v) { return h2sin(v); });
  put([](T v) { return hcos(v); }, [](Pair v) { return h2cos(v); });
  put([](T v) { return htanh(v); }, [](Pair v) { return h2tanh(v); });
  put([](T v) { return hceil(v); }, [](Pair v) { return h2ceil(v); });
  put([](T v) { return hfloor(v); }, [](Pair v) { return h2floor(v); });
  put([](T v) { return htrunc(v); }, [](Pair v) { return h2trunc(v); });
  put([](T v) { return hrint(v); }, [](Pair v) { return h2rint(v); });
  put([](T v) { return -v; }, [](Pair v) { return -v; });
  put([](T v) { return __habs(v); }, [](Pair v) { return __habs2(v); });
}

const std::function<double(double)> kOneExact[kOnes] = {[](double v) { return std::sqrt(v); },
                                                        [](double v) { return 1 / std::sqrt(v); },
                                                        [](double v) { return 1 / v; },
                                                        [](double v) { return std::exp(v); },
                                                        [](double v) { return std::exp2(v); },
                                                        [](double v) { return double(powl(10, v)); },
                                                        [](double v) { return std::log(v); },
                                                        [](double v) { return std::log2(v); },
                                                        [](double v) { return std::log10(v); },
                                                        [](double v) { return std::sin(v); },
                                                        [](double v) { return std::cos(v); },
                                                        [](double v) { return std::tanh(v); },
                                                        [](double v) { return std::ceil(v); },
                                                        [](double v) { return std::floor(v); },
                                                        [](double v) { return std::trunc(v); },
                                                        [](double v) { return std::nearbyint(v); },
                                                        [](double v) { return -v; },
                                                        [](double v) { return std::fabs(v); }};
const char* const kOneNames[kOnes] = {"sqrt", "rsqrt", "rcp",   "exp",  "exp2", "exp10",
                                      "log",  "log2",  "log10", "sin",  "cos",  "tanh",
                                      "ceil", "floor", "trunc", "rint", "neg",  "abs"};

// The guide says "0 ULP" of all of these (5.5.7, 5.5.8). What the headers compute is an fp32 approximation
// that is rounded, and then corrected at those operands where the hardware's is wrong. The machine's
// approximation is another within the same error, 2^-22 and what the argument's product lost: next to a tie
// it may round to the other side, and a correction may make wrong what was right.
constexpr int kFirstApproximate = 3, kLastApproximate = 8;
const std::vector<Bits> kMended[kOnes] = {{},
                                          {},
                                          {},
                                          {0x1f79, 0x25cf, 0xc13b, 0xc1ef},
                                          {},
                                          {0x34de, 0x9766, 0x9972, 0xa5c4, 0xbf0a},
                                          {0x160d, 0x3bfe, 0x3c0b, 0x6051},
                                          {},
                                          {0x338f, 0x33f8, 0x57e1, 0x719d}};

template <class T>
void check_one() {
  Device<Bits> out(kOnes * 65536);
  Device<unsigned> differs(std::vector<unsigned>(kOnes, 0));
  one_operand<T><<<256, 256>>>(out, differs);
  const std::vector<Bits> got = out.read();
  const std::vector<unsigned> pairs = differs.read();
  for (int f = 0; f < kOnes; ++f) {
    for (int i = 0; i < 65536; ++i) {
      const Bits pattern = got[f * 65536 + i];
      const double a = value<T>(Bits(i)), exact = kOneExact[f](a), wanted = rounded<T>(exact),
                   is = value<T>(pattern);
      if (same(is, wanted)) continue;
      const bool neighbours = value<T>(Bits(pattern + 1)) == wanted || value<T>(Bits(pattern - 1)) == wanted;
      const bool tie = std::fabs(exact - (is + wanted) / 2) <= std::fabs(exact) * 0x1p-19 + 0x1p-21;
      const bool mended = std::is_same_v<T, __half> &&
                          std::find(kMended[f].begin(), kMended[f].end(), Bits(i)) != kMended[f].end();
      ASSERT_TRUE(f >= kFirstApproximate && f <= kLastApproximate && neighbours && (tie || mended))
          << kOneNames[f] << " at " << std::hexfloat << a << ": " << is << ", wanted " << wanted;
    }
    EXPECT_EQ(pairs[f], 0u) << kOneNames[f];
  }
}

TEST(Half, FunctionsOfEveryNumber) { check_one<__half>(); }
TEST(Bfloat, FunctionsOfEveryNumber) { check_one<__nv_bfloat16>(); }

}  // namespace
