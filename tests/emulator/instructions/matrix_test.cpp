// mma.sync (PTX ISA 9.7.14.5): each element's place, sums as defined, special values, and that all lanes must come.
#include "matrix_support.hpp"
#include "support/error.hpp"

namespace instruction_test {
namespace {

double integer() { return static_cast<double>(static_cast<int>(generator()() % 9) - 4); }
double normal() { return std::normal_distribution<double>(0, 1)(generator()); }
double wide() { return std::ldexp(normal(), static_cast<int>(generator()() % 40) - 20); }
// Numbers near and below the least normal one of fp16 and of fp32.
double tiny() { return std::ldexp(normal(), generator()() % 2 ? -14 - static_cast<int>(generator()() % 12)
                                                             : -60 - static_cast<int>(generator()() % 80)); }

struct Operands {
  Matrix a, b, c;
};
Operands draw(const Product& p, const std::function<double()>& f) {
  return {random_matrix(p.m, p.k, p.a.format, f), random_matrix(p.k, p.n, p.b.format, f),
          random_matrix(p.m, p.n, p.c.format, f)};
}

// Sums of small integers are exact in every mode: a slip of the layout shows.
TEST(MatrixMultiply, SmallIntegers) {
  for (const Product& p : products()) {
    const Operands o = draw(p, integer);
    Matrix wanted(p.m, p.n);
    for (int m = 0; m < p.m; m++)
      for (int n = 0; n < p.n; n++) {
        wanted.at(m, n) = o.c.at(m, n);
        for (int k = 0; k < p.k; k++) wanted.at(m, n) += o.a.at(m, k) * o.b.at(k, n);
      }
    // An exact zero may have either sign.
    Matrix got = multiply(p, o.a, o.b, o.c);
    for (double& v : got.values) v += 0.0;
    for (double& v : wanted.values) v += 0.0;
    expect_same(got, wanted, p.instruction);
  }
}

// One element of A and one of B at a time.
TEST(MatrixMultiply, SingleElements) {
  for (const Product& p : products())
    for (int r = 0; r < p.m; r += 5)
      for (int k = 0; k < p.k; k++) {
        Matrix a(p.m, p.k), b(p.k, p.n), c(p.m, p.n), wanted(p.m, p.n);
        const int n = (r + k) % p.n;
        a.at(r, k) = 2;
        b.at(k, n) = 3;
        wanted.at(r, n) = 6;
        expect_same(multiply(p, a, b, c), wanted, p.instruction);
      }
}

TEST(MatrixMultiply, SumsAsDefined) {
  for (const Product& p : products())
    for (const auto& [name, f] : std::vector<std::pair<std::string, std::function<double()>>>{
             {"normal", normal}, {"wide", wide}, {"tiny", tiny}})
      for (int round = 0; round < 4; round++) {
        const Operands o = draw(p, f);
        expect_same(multiply(p, o.a, o.b, o.c), expected(p, o.a, o.b, o.c), p.instruction + " " + name);
      }
}

// Against the exact sum (64 bits of fraction), by what the mode may lose: half a unit of the result, or, truncating, a
// unit of the result and a unit behind the largest term's 25 bits for each term.
TEST(MatrixMultiply, CloseToTheExactSum) {
  for (const Product& p : products()) {
    const Operands o = draw(p, normal);
    const Matrix got = multiply(p, o.a, o.b, o.c);
    for (int m = 0; m < p.m; m++)
      for (int n = 0; n < p.n; n++) {
        long double sum = o.c.at(m, n), magnitude = std::fabs(o.c.at(m, n)), largest = magnitude;
        for (int k = 0; k < p.k; k++) {
          const long double term = static_cast<long double>(o.a.at(m, k)) * o.b.at(k, n);
          sum += term;
          magnitude += std::fabs(term);
          largest = std::max(largest, std::fabs(term));
        }
        const double unit = std::ldexp(1, std::max(std::ilogb(got.at(m, n)), p.d.format.least) - p.d.format.fraction);
        long double bound = unit / 2 + (p.d.format.bits == 64 ? p.k : 1) * magnitude * 0x1p-53L;
        if (truncating() && p.d.format.bits != 64) bound = unit + (p.k + 1) * largest * 0x1p-25L;
        EXPECT_LE(std::fabs(static_cast<long double>(got.at(m, n)) - sum), bound)
            << p.instruction << " " << m << ", " << n;
      }
  }
}

TEST(MatrixMultiply, InfinitiesAndNaN) {
  const double infinity = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  for (const Product& p : products()) {
    Operands o = draw(p, integer);
    for (int m = 0; m < p.m; m++) o.a.at(m, 0) = 1;
    o.a.at(1, 1) = infinity;   // row 1: infinite, or NaN where B has zero
    o.b.at(1, 2) = 0;
    o.b.at(1, 3) = -1;
    o.b.at(0, 4) = nan;        // column 4
    o.c.at(2, 5) = -infinity;  // one element
    o.a.at(3, 0) = infinity;   // row 3, column 6: infinity - infinity
    o.b.at(0, 6) = 1;
    o.c.at(3, 6) = -infinity;
    const Matrix got = multiply(p, o.a, o.b, o.c), wanted = expected(p, o.a, o.b, o.c);
    Matrix sum = got;
    for (std::size_t i = 0; i < got.values.size(); i++)
      if (got.values[i] == 0 && wanted.values[i] == 0) sum.values[i] = wanted.values[i];
    expect_same(sum, wanted, p.instruction);
    EXPECT_TRUE(std::isnan(got.at(1, 2)) && std::isnan(got.at(0, 4)) && std::isnan(got.at(3, 6))) << p.instruction;
    EXPECT_EQ(got.at(1, 3), -infinity) << p.instruction;
    EXPECT_EQ(got.at(2, 5), -infinity) << p.instruction;
    // The bits of NaN are the canonical ones.
    if (p.d.format.bits == 64) continue;
    const u64 word = multiply(p, to_registers(p.a, o.a), to_registers(p.b, o.b), to_registers(p.c, o.c))[2];
    EXPECT_EQ(p.d.format.bits == 16 ? word & 0xffff : word, p.d.format.bits == 16 ? 0x7fffu : 0x7fffffffu);  // (0, 4)
  }
}

// Beyond the accumulator's range: fp16 rounds to nearest; truncating, fp32 ends at its largest number up to 2^128.
TEST(MatrixMultiply, Overflow) {
  for (const Product& p : products()) {
    if (p.d.format.bits == 64) continue;
    Operands o = draw(p, [] { return 0.0; });
    const bool half = p.d.format.bits == 16;
    const double most = half ? 65504 : static_cast<double>(std::numeric_limits<float>::max());
    const double ulp = half ? 32 : 0x1p104;
    for (int m = 0; m < p.m; m++) o.a.at(m, 0) = 1;
    o.c.at(0, 0) = o.c.at(1, 0) = o.c.at(2, 0) = most;
    o.c.at(4, 0) = -most;
    if (p.a.format.least == -126) {
      o.a.at(0, 0) = o.a.at(1, 0) = o.a.at(2, 0) = o.a.at(4, 0) = 0x1p90;
      o.b.at(0, 0) = 0x1p14;          // one unit beyond
      o.a.at(1, 0) = 0x1p89;          // half of one
      o.a.at(2, 0) = 0x1p88;          // a quarter
    } else {
      o.b.at(0, 0) = half ? ulp : 1;
      o.a.at(1, 0) = 0.5;
      o.a.at(2, 0) = 0.25;
    }
    expect_same(multiply(p, o.a, o.b, o.c), expected(p, o.a, o.b, o.c), p.instruction);
  }
}

// The low 13 bits of a tf32 register do not count.
TEST(MatrixMultiply, Tf32DropsTheLowBits) {
  for (const Product& p : products()) {
    if (p.a.format.name != std::string("tf32")) continue;
    const Operands o = draw(p, normal);
    auto a = to_registers(p.a, o.a), b = to_registers(p.b, o.b);
    for (u64& w : a) w |= generator()() & 0x1fff;
    for (u64& w : b) w |= 0x1fff;
    const Matrix got = from_registers(p.d, multiply(p, a, b, to_registers(p.c, o.c)), p.m, p.n);
    expect_same(got, expected(p, o.a, o.b, o.c), p.instruction);
  }
}

TEST(MatrixMultiply, RoundingOfFp64) {
  for (const Rounding& r : roundings)
    for (Product p : products()) {
      if (p.a.format.bits != 64) continue;
      p.instruction += r.name;
      const Operands o = draw(p, wide);
      Matrix wanted(p.m, p.n);
      for (int m = 0; m < p.m; m++)
        for (int n = 0; n < p.n; n++) {
          double sum = o.c.at(m, n);
          for (int k = 0; k < p.k; k++) sum = under(r.mode, [&] { return std::fma(o.a.at(m, k), o.b.at(k, n), sum); });
          wanted.at(m, n) = sum;
        }
      expect_same(multiply(p, o.a, o.b, o.c), wanted, p.instruction);
    }
}

// The accumulator may be constants, and D's registers A's.
TEST(MatrixMultiply, ConstantAndSharedRegisters) {
  const Product& p = products()[3];  // m16n8k16, f32
  ASSERT_EQ(p.k, 16);
  const Operands o = draw(p, integer);
  Product one = p;
  // The text behind the operands that multiply() adds is a comment.
  one.instruction = "mov.b32 %w, %a0;\n" + p.instruction +
                    " {%d0, _, %d2, %d3}, {%w, %a1, %a2, %a3}, {%b0, %b1}, {0f3F800000, 0f3F800000, "
                    "0f40000000, 0f40000000};\n//";
  const auto words = multiply(one, to_registers(p.a, o.a), to_registers(p.b, o.b), to_registers(p.c, o.c));
  for (int lane = 0; lane < 32; lane++)
    for (int i = 0; i < 4; i++) {
      const Place at = p.d.place(lane, i);
      double wanted = i < 2 ? 1 : 2;
      for (int k = 0; k < 16; k++) wanted += o.a.at(at.row, k) * o.b.at(k, at.column);
      const u64 word = words[static_cast<std::size_t>(i * 32 + lane)];
      if (i == 1) EXPECT_EQ(word, 0xa5a5a5a5u);  // the sink took it
      else EXPECT_EQ(p.d.format.decode(word), wanted);
    }
}

TEST(MatrixMultiply, NeverWhereNoLaneIsActive) {
  const Product& p = products()[0];
  const Operands o = draw(p, integer);
  Product guarded = p;
  guarded.instruction = "setp.gt.u32 %guard, %i, 99;\n@%guard " + p.instruction;
  for (const u64 word : multiply(guarded, to_registers(p.a, o.a), to_registers(p.b, o.b), to_registers(p.c, o.c)))
    EXPECT_EQ(word, 0xa5a5a5a5u);
  // All lanes, though they come by two ways.
  Product parted = p;
  parted.instruction = "setp.gt.u32 %guard, %i, 9;\n@%guard bra ON;\nadd.u32 %i, %i, 1;\nON:\n" + p.instruction;
  expect_same(multiply(parted, o.a, o.b, o.c), expected(p, o.a, o.b, o.c), "parted lanes");
}

}  // namespace
}  // namespace instruction_test
