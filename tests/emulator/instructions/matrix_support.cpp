#include "matrix_support.hpp"

#include <cstdlib>

namespace instruction_test {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

Place pair16(int lane, int i) { return {lane / 4, lane % 4 * 2 + (i & 1)}; }

// PTX ISA, "Matrix Fragments for mma.m16n8k...": A, B, C and D of each type, written out as there.
Fragment a16(const Format& f, int k) {
  return {f, k / 2, [](int lane, int i) {
            const int group = lane >> 2, thread = lane % 4;
            return Place{(i & 2) == 0 ? group : group + 8, thread * 2 + (i & 1) + (i >= 4 ? 8 : 0)};
          }};
}
Fragment b16(const Format& f, int k) {
  return {f, k / 4, [](int lane, int i) {
            return Place{lane % 4 * 2 + (i & 1) + (i >= 2 ? 8 : 0), lane >> 2};
          }};
}
Fragment a_tf32(int k) {
  return {tf32, k / 2, [](int lane, int i) {
            return Place{i == 0 || i == 2 ? lane >> 2 : (lane >> 2) + 8, i < 2 ? lane % 4 : lane % 4 + 4};
          }};
}
Fragment b_tf32(int k) {
  return {tf32, k / 4, [](int lane, int i) { return Place{i == 0 ? lane % 4 : lane % 4 + 4, lane >> 2}; }};
}
Fragment accumulator(const Format& f) {
  return {f, 4, [](int lane, int i) { return Place{i < 2 ? lane >> 2 : (lane >> 2) + 8, pair16(lane, i).column}; }};
}
Fragment a_fp64(int m, int k) {
  if (m == 8) return {fp64, 1, [](int lane, int) { return Place{lane >> 2, lane % 4}; }};
  return {fp64, k / 2, [](int lane, int i) {
            return Place{i % 2 == 0 ? lane >> 2 : (lane >> 2) + 8,
                         i % 2 == 0 ? i * 2 + lane % 4 : i * 2 - 2 + lane % 4};
          }};
}
Fragment b_fp64(int k) {
  return {fp64, k / 4, [](int lane, int i) { return Place{lane % 4 + 4 * i, lane >> 2}; }};
}
Fragment accumulator64(int m) {
  if (m == 8) return {fp64, 2, [](int lane, int i) { return pair16(lane, i); }};
  return accumulator(fp64);
}

Product product(const std::string& shape, int m, int k, const Fragment& a, const Fragment& b, const Fragment& c,
                const std::string& rounding = "") {
  const std::string type = a.format.name, sum = c.format.name;
  return {"mma.sync.aligned." + shape + ".row.col." + sum + "." + type + "." + type + "." + sum + rounding,
          m,
          8,
          k,
          a,
          b,
          c,
          c};
}

// value = mantissa * 2^(exponent - fraction), |mantissa| below 2^(fraction + 1); zero has the exponent -126.
struct Parts {
  __int128 mantissa;
  int exponent;
};
Parts parts(double value, const Format& f) {
  if (value == 0) return {0, -126};
  const int exponent = std::max(std::ilogb(value), f.least);
  return {static_cast<__int128>(std::ldexp(value, f.fraction - exponent)), exponent};
}

// mantissa * 2^scale towards zero in units of 2^-unit.
__int128 aligned(__int128 mantissa, int scale, int unit) {
  const int shift = scale + unit;
  if (shift >= 0) return mantissa * (static_cast<__int128>(1) << shift);
  if (shift < -120) return 0;
  return mantissa / (static_cast<__int128>(1) << -shift);
}

double cut(__int128 sum, int unit) {  // sum * 2^-unit to fp32, towards zero
  const bool negative = sum < 0;
  unsigned __int128 m = static_cast<unsigned __int128>(negative ? -sum : sum);
  int exponent = -unit;
  while (m >= (1u << 24) || (m != 0 && exponent < -149)) m >>= 1, exponent++;
  const double value = std::ldexp(static_cast<double>(static_cast<u64>(m)), exponent);
  return std::copysign(value >= 0x1p128 ? infinity : value, negative ? -1 : 1);
}

}  // namespace

double Format::decode(u64 word) const {
  if (bits == 64) return instruction_test::bits<double>(word);
  const int width = name == std::string("tf32") ? 23 : fraction;  // tf32 in a register of 32 bits
  const u64 mantissa = (word & ((u64{1} << width) - 1)) & ~((u64{1} << (width - fraction)) - 1);
  const int exponent_bits = bits - 1 - width;
  const u64 field = word >> width & ((u64{1} << exponent_bits) - 1);
  double value;
  if (field == (u64{1} << exponent_bits) - 1) value = mantissa ? std::numeric_limits<double>::quiet_NaN() : infinity;
  else if (field == 0) value = std::ldexp(static_cast<double>(mantissa), least - width);
  else value = std::ldexp(static_cast<double>(mantissa | u64{1} << width), static_cast<int>(field) - 1 + least - width);
  return word >> (bits - 1) & 1 ? -value : value;
}

u64 Format::encode(double value) const {
  if (bits == 64) return instruction_test::bits<u64>(value);
  const int width = name == std::string("tf32") ? 23 : fraction;
  const u64 sign = std::signbit(value) ? u64{1} << (bits - 1) : 0, all = ((u64{1} << (bits - 1 - width)) - 1) << width;
  if (std::isnan(value)) return (u64{1} << (bits - 1)) - 1;
  if (std::isinf(value)) return sign | all;
  if (value == 0) return sign;
  const int exponent = std::max(std::ilogb(value), least);
  const double scaled = std::nearbyint(std::ldexp(std::fabs(value), fraction - exponent));  // ties to even
  const u64 mantissa = static_cast<u64>(scaled) << (width - fraction);
  // A carry goes into the exponent's field; a subnormal number has none.
  const u64 word = mantissa < u64{1} << width ? mantissa : mantissa + (static_cast<u64>(exponent - least) << width);
  return sign | std::min(word, all);
}

std::string vector_of(const std::string& name, int count) {
  std::string s = "{";
  for (int r = 0; r < count; r++) s += (r ? ", " : "") + name + std::to_string(r);
  return s + "}";
}

std::vector<u64> to_registers(const Fragment& f, const Matrix& m) {
  std::vector<u64> words(static_cast<std::size_t>(f.registers()) * 32);
  for (int lane = 0; lane < 32; lane++)
    for (int i = 0; i < f.elements; i++) {
      const Place p = f.place(lane, i);
      const u64 word = f.format.encode(m.at(p.row, p.column));
      if (f.format.bits == 16) words[static_cast<std::size_t>(i / 2 * 32 + lane)] |= word << i % 2 * 16;
      else words[static_cast<std::size_t>(i * 32 + lane)] = word;
    }
  return words;
}

Matrix from_registers(const Fragment& f, const std::vector<u64>& registers, int rows, int columns) {
  Matrix m(rows, columns);
  std::vector<bool> seen(m.values.size());
  for (int lane = 0; lane < 32; lane++)
    for (int i = 0; i < f.elements; i++) {
      const Place p = f.place(lane, i);
      const std::size_t at = static_cast<std::size_t>(f.format.bits == 16 ? i / 2 * 32 + lane : i * 32 + lane);
      const double value = f.format.decode(f.format.bits == 16 ? registers[at] >> i % 2 * 16 & 0xffff : registers[at]);
      const std::size_t element = static_cast<std::size_t>(p.row * columns + p.column);
      EXPECT_TRUE(!seen[element] || same(m.values[element], value)) << "two lanes hold one element, with two values";
      m.values[element] = value;
      seen[element] = true;
    }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), false), 0) << "elements that no lane holds";
  return m;
}

std::vector<u64> multiply(const Product& p, const std::vector<u64>& a, const std::vector<u64>& b,
                          const std::vector<u64>& c, const std::string& before) {
  std::string body = ".reg .b64 %word;\n.reg .b32 %w;\n.reg .pred %guard;\n";
  std::vector<std::unique_ptr<Buffer>> buffers;
  std::vector<u64> parameters;
  const auto loop = [&](const Fragment& f, const std::string& name, const std::vector<u64>* words) {
    const std::string q = "%q" + std::to_string(parameters.size());
    const std::vector<u64> none(static_cast<std::size_t>(f.registers()) * 32, 0xa5a5a5a5a5a5a5a5u);
    buffers.push_back(std::make_unique<Buffer>(words ? *words : none));
    parameters.push_back(buffers.back()->address());
    body += ".reg " + f.type() + " " + name + "<" + std::to_string(f.registers()) +
            ">;\nmad.wide.u32 %at, %i, 8, " + q + ";\n";
    for (int r = 0; r < f.registers(); r++) {
      const std::string source = "[%at+" + std::to_string(r * 256) + "]", target = name + std::to_string(r);
      body += f.format.bits == 64 ? "ld.global.f64 " + target + ", " + source + ";\n"
                                  : "ld.global.b32 %w, " + source + ";\nmov.b32 " + target + ", %w;\n";
    }
  };
  loop(p.a, "%a", &a);
  loop(p.b, "%b", &b);
  loop(p.c, "%c", &c);
  loop(p.d, "%d", nullptr);
  body += before + p.instruction + " " + vector_of("%d", p.d.registers()) + ", " +
          vector_of("%a", p.a.registers()) + ", " + vector_of("%b", p.b.registers()) + ", " +
          vector_of("%c", p.c.registers()) + ";\n";
  for (int r = 0; r < p.d.registers(); r++) {
    const std::string target = "[%at+" + std::to_string(r * 256) + "]", source = "%d" + std::to_string(r);
    body += p.d.format.bits == 64 ? "st.global.f64 " + target + ", " + source + ";\n"
                                  : "mov.b32 %w, " + source + ";\nst.global.b32 " + target + ", %w;\n";
  }
  run(kernel_text(4, body), {{1, 1, 1}, {32, 1, 1}}, parameters);
  std::vector<u64> words = buffers.back()->read<u64>(static_cast<std::size_t>(p.d.registers()) * 32);
  if (p.d.format.bits != 64)
    for (u64& w : words) w &= 0xffffffffu;
  return words;
}

Matrix multiply(const Product& p, const Matrix& a, const Matrix& b, const Matrix& c) {
  return from_registers(p.d, multiply(p, to_registers(p.a, a), to_registers(p.b, b), to_registers(p.c, c)), p.m, p.n);
}

const std::vector<Product>& products() {
  static const std::vector<Product> all = [] {
    std::vector<Product> list;
    for (const int k : {8, 16}) {
      const std::string shape = "m16n8k" + std::to_string(k);
      list.push_back(product(shape, 16, k, a16(fp16, k), b16(fp16, k), accumulator(fp32)));
      list.push_back(product(shape, 16, k, a16(fp16, k), b16(fp16, k), accumulator(fp16)));
      list.push_back(product(shape, 16, k, a16(bf16, k), b16(bf16, k), accumulator(fp32)));
    }
    for (const int k : {4, 8})
      list.push_back(product("m16n8k" + std::to_string(k), 16, k, a_tf32(k), b_tf32(k), accumulator(fp32)));
    list.push_back(product("m8n8k4", 8, 4, a_fp64(8, 4), b_fp64(4), accumulator64(8)));
    for (const int k : {4, 8, 16})
      list.push_back(product("m16n8k" + std::to_string(k), 16, k, a_fp64(16, k), b_fp64(k), accumulator64(16)));
    return list;
  }();
  return all;
}

bool truncating() {
  const char* mode = std::getenv("PTXVM_MMA");
  return mode != nullptr && mode == std::string("truncate");
}

double sum_of(const Product& p, const std::vector<double>& a, const std::vector<double>& b, double c) {
  if (p.a.format.bits == 64) {
    for (std::size_t k = 0; k < a.size(); k++) c = std::fma(a[k], b[k], c);
    return c;
  }
  double plain = c;
  for (std::size_t k = 0; k < a.size(); k++) plain += a[k] * b[k];
  if (!truncating() || std::isnan(plain) || std::isinf(plain)) return p.d.format.decode(p.d.format.encode(plain));
  // sm_90: 25 bits behind the largest term's point, 16 terms of 16 bits or 8 of tf32.
  const std::size_t terms = p.a.format.bits == 16 ? 16 : 8;
  const Format &f = p.a.format, *sum_format = &p.c.format;
  for (std::size_t first = 0; first < a.size(); first += terms) {
    const std::size_t last = std::min(a.size(), first + terms);
    const Parts pc = parts(c, *sum_format);
    int largest = std::max(-126, pc.exponent);
    for (std::size_t k = first; k < last; k++)
      if (a[k] != 0 && b[k] != 0) largest = std::max(largest, parts(a[k], f).exponent + parts(b[k], f).exponent);
    const int unit = 25 - largest;
    __int128 sum = aligned(pc.mantissa, pc.exponent - sum_format->fraction, unit);
    for (std::size_t k = first; k < last; k++) {
      const Parts x = parts(a[k], f), y = parts(b[k], f);
      sum += aligned(x.mantissa * y.mantissa, x.exponent + y.exponent - 2 * f.fraction, unit);
    }
    c = p.d.format.bits == 16 ? fp16.decode(fp16.encode(std::ldexp(static_cast<double>(sum), -unit))) : cut(sum, unit);
    sum_format = &p.d.format;
  }
  return c;
}

Matrix expected(const Product& p, const Matrix& a, const Matrix& b, const Matrix& c) {
  Matrix d(p.m, p.n);
  for (int m = 0; m < p.m; m++)
    for (int n = 0; n < p.n; n++) {
      std::vector<double> row, column;
      for (int k = 0; k < p.k; k++) row.push_back(a.at(m, k)), column.push_back(b.at(k, n));
      d.at(m, n) = sum_of(p, row, column, c.at(m, n));
    }
  return d;
}

Matrix random_matrix(int rows, int columns, const Format& format, const std::function<double()>& draw) {
  Matrix m(rows, columns);
  for (double& v : m.values) v = format.decode(format.encode(draw()));
  return m;
}

void expect_same(const Matrix& got, const Matrix& wanted, const std::string& what) {
  int complaints = 0;
  for (int r = 0; r < wanted.rows; r++)
    for (int c = 0; c < wanted.columns && complaints < 3; c++)
      if (!same(got.at(r, c), wanted.at(r, c))) {
        ADD_FAILURE() << what << ": element (" << r << ", " << c << ") is " << shown(got.at(r, c)) << ", should be "
                      << shown(wanted.at(r, c));
        complaints++;
      }
}

}  // namespace instruction_test
