// Matrices in the registers of one warp, as the PTX ISA lays them out ("Matrix Fragments for mma"), number formats, and
// the two ways in which ptxvm sums (PTXVM_MMA), computed here in integers and by their definition.
#pragma once

#include <functional>

#include "tables.hpp"

namespace instruction_test {

// A format of at most 64 bits, by the bits of its fraction and its least exponent.
struct Format {
  const char* name;
  int bits, fraction, least;
  double decode(u64 word) const;
  u64 encode(double value) const;  // to nearest even; NaN: all ones behind the sign
};
inline constexpr Format fp16{"f16", 16, 10, -14}, bf16{"bf16", 16, 7, -126}, tf32{"tf32", 32, 10, -126},
    fp32{"f32", 32, 23, -126}, fp64{"f64", 64, 52, -1022};

struct Matrix {
  int rows = 0, columns = 0;
  std::vector<double> values;
  Matrix(int rows, int columns) : rows(rows), columns(columns), values(static_cast<std::size_t>(rows * columns)) {}
  double& at(int r, int c) { return values[static_cast<std::size_t>(r * columns + c)]; }
  double at(int r, int c) const { return values[static_cast<std::size_t>(r * columns + c)]; }
};

struct Place {
  int row, column;
};
using Places = std::function<Place(int lane, int element)>;

// A fragment: elements a lane has, and which they are.
struct Fragment {
  Format format;
  int elements;
  Places place;
  int registers() const { return format.bits == 16 ? elements / 2 : elements; }
  std::string type() const { return format.bits == 64 ? ".f64" : format.name == std::string("f32") ? ".f32" : ".b32"; }
};

// Register by register, 32 lanes each. Words of 32 bits, or 64 for fp64.
std::vector<u64> to_registers(const Fragment& f, const Matrix& m);
// Faults the test where lanes that hold the same element disagree.
Matrix from_registers(const Fragment& f, const std::vector<u64>& registers, int rows, int columns);

struct Product {
  std::string instruction;  // up to the operands
  int m, n, k;
  Fragment a, b, c, d;
};

// What one warp computes, in d's registers.
std::vector<u64> multiply(const Product& p, const std::vector<u64>& a, const std::vector<u64>& b,
                          const std::vector<u64>& c, const std::string& before = "");
Matrix multiply(const Product& p, const Matrix& a, const Matrix& b, const Matrix& c);

// The products that the ISA has: mma.sync, without m8n8k4 of f16.
const std::vector<Product>& products();

bool truncating();  // PTXVM_MMA
// One element as the mode in force defines it. terms: a step's, of 16-bit types; fraction: bits kept.
double sum_of(const Product& p, const std::vector<double>& a, const std::vector<double>& b, double c);
Matrix expected(const Product& p, const Matrix& a, const Matrix& b, const Matrix& c);

Matrix random_matrix(int rows, int columns, const Format& format, const std::function<double()>& draw);
void expect_same(const Matrix& got, const Matrix& wanted, const std::string& what);

// "{%x0, %x1}"
std::string vector_of(const std::string& name, int count);

}  // namespace instruction_test
