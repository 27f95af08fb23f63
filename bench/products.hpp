// Matrix products asked of cuBLASLt: noted as they are asked for, and their time modelled. Under the emulator
// they run on the host, where no counter sees them; and as no counter depends on their values, a benchmark
// that only counts does not compute them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ptxvm::model {
struct Machine;
}

namespace recur::bench {

enum class Factors { single, tf32, half, bfloat };  // what is multiplied; sums are float

// D[m,n] = op(A) op(B), row-major, over k. Products that differ only in the side that time runs along are one
// group: m of x W^T, k of dy^T x.
struct ProductGroup {
  Factors factors = Factors::single;
  bool sums_over_time = false;  // k runs along time, else m does
  bool adds = false;            // D is read too
  bool bias = false;
  bool of_a_step = false;         // the running side is one step's rows
  int64_t rows = 0, columns = 0;  // of the operand that is no activation, or of D where time is summed over
  int result_bytes = 4;           // of an element of D
  double count = 0;               // products
  double running_total = 0;       // their running sides, added up

  bool same_kind(const ProductGroup& other) const;
  double flops() const;
  double bytes() const;  // each operand once a product
};

struct ModelledProducts {
  double seconds = 0;
  double flops = 0, matrix_flops = 0, bytes = 0;
  double launch = 0, arithmetic = 0, dram = 0;  // seconds by what decides
  const char* largest() const;
};

// For each product launch + max(flops / rate of its unit, bytes / DRAM's bandwidth).
ModelledProducts model(const ptxvm::model::Machine& machine, const std::vector<ProductGroup>& groups);

// What was asked for since the last reset. batch tells a step's products from those over a whole sequence.
// Throws std::runtime_error at a product whose type it does not know.
void reset_products(int64_t batch);
std::vector<ProductGroup> noted_products();
// Whether products are handed on to cuBLASLt; no by default.
void compute_products(bool yes);

}  // namespace recur::bench
