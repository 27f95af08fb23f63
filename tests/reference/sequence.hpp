// What surrounds the recurrent layers, by definition, in fp64: embedding, softmax cross-entropy, sampling.
//   M rows, V vocabulary or classes, E size of an embedding
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace reference {

using Vector = std::vector<double>;

// output[m,:] = table[indices[m],:]; zeros for an index outside 0..V-1. table [V,E] -> [M,E]
Vector embedding_forward(const Vector& table, int64_t vocabulary, int64_t size,
                         const std::vector<int32_t>& indices);

// [V,E]: the sum of output_gradient [M,E] over the rows that have each index; indices outside are skipped.
Vector embedding_backward(const Vector& output_gradient, int64_t vocabulary, int64_t size,
                          const std::vector<int32_t>& indices);

struct CrossEntropyOptions {
  std::optional<int32_t> ignore_index;
  double smoothing = 0;
  bool mean = true;  // divide by the count of targets that are not ignored; else the sum
};

struct CrossEntropy {
  double loss = 0;
  Vector row_losses;  // [M], not divided
  Vector gradient;    // [M,V], of loss by the logits
  int64_t bad_targets = 0;
};

// The target distribution is q = (1-s) [j=t] + s/V; a row's loss is sum_j q_j (LSE - x_j). Ignored rows, and
// rows whose target is outside 0..V-1 (counted as bad), have loss 0 and gradient 0.
CrossEntropy cross_entropy(const Vector& logits, int64_t classes, const std::vector<int32_t>& targets,
                           const CrossEntropyOptions& options = {});

// softmax(logits / temperature) of one row.
Vector softmax(const Vector& logits, double temperature = 1);

// The first class whose cumulative probability exceeds u, 0 <= u < 1; the last class of positive probability
// if rounding leaves the total at or below u. -1 if the probabilities hold a NaN or sum to 0.
int64_t inverse_cdf(const Vector& probabilities, double u);

// The distance from u to the nearest boundary of the cumulative distribution: below the rounding error of
// the code under test, either neighbour is a right answer.
double inverse_cdf_margin(const Vector& probabilities, double u);

// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).
std::array<uint32_t, 4> philox4x32_10(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

}  // namespace reference
