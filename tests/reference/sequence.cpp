#include "tests/reference/sequence.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace reference {

Vector embedding_forward(const Vector& table, int64_t vocabulary, int64_t size,
                         const std::vector<int32_t>& indices) {
  Vector output(indices.size() * size, 0.0);
  for (size_t m = 0; m < indices.size(); ++m) {
    if (indices[m] < 0 || indices[m] >= vocabulary) continue;
    for (int64_t e = 0; e < size; ++e) output[m * size + e] = table[indices[m] * size + e];
  }
  return output;
}

Vector embedding_backward(const Vector& output_gradient, int64_t vocabulary, int64_t size,
                          const std::vector<int32_t>& indices) {
  Vector gradient(vocabulary * size, 0.0);
  for (size_t m = 0; m < indices.size(); ++m) {
    if (indices[m] < 0 || indices[m] >= vocabulary) continue;
    for (int64_t e = 0; e < size; ++e) gradient[indices[m] * size + e] += output_gradient[m * size + e];
  }
  return gradient;
}

CrossEntropy cross_entropy(const Vector& logits, int64_t classes, const std::vector<int32_t>& targets,
                           const CrossEntropyOptions& options) {
  CrossEntropy out;
  out.row_losses.assign(targets.size(), 0.0);
  out.gradient.assign(logits.size(), 0.0);
  int64_t counted = 0;
  for (size_t m = 0; m < targets.size(); ++m) {
    const int32_t target = targets[m];
    if (options.ignore_index && target == *options.ignore_index) continue;
    if (target < 0 || target >= classes) {
      ++out.bad_targets;
      continue;
    }
    ++counted;
    const double* x = &logits[m * classes];
    const double largest = *std::max_element(x, x + classes);
    double sum = 0;
    for (int64_t j = 0; j < classes; ++j) sum += std::exp(x[j] - largest);
    const double lse = largest + std::log(sum);
    for (int64_t j = 0; j < classes; ++j) {
      const double q = (j == target ? 1 - options.smoothing : 0) + options.smoothing / double(classes);
      if (q > 0) out.row_losses[m] += q * (lse - x[j]);
      out.gradient[m * classes + j] = std::exp(x[j] - lse) - q;
    }
    out.loss += out.row_losses[m];
  }
  if (options.mean && counted > 0) {
    out.loss /= double(counted);
    for (double& g : out.gradient) g /= double(counted);
  }
  return out;
}

Vector softmax(const Vector& logits, double temperature) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  Vector p(logits.size());
  double sum = 0;
  for (size_t j = 0; j < p.size(); ++j) sum += p[j] = std::exp((logits[j] - largest) / temperature);
  for (double& value : p) value /= sum;
  return p;
}

int64_t inverse_cdf(const Vector& probabilities, double u) {
  double cumulative = 0;
  int64_t last = -1;
  for (size_t j = 0; j < probabilities.size(); ++j) {
    if (std::isnan(probabilities[j])) return -1;
    if (probabilities[j] > 0) last = int64_t(j);
    cumulative += probabilities[j];
    if (cumulative > u) return int64_t(j);
  }
  return last;
}

double inverse_cdf_margin(const Vector& probabilities, double u) {
  double cumulative = 0;
  double margin = std::numeric_limits<double>::infinity();
  for (double p : probabilities) {
    cumulative += p;
    margin = std::min(margin, std::fabs(cumulative - u));
  }
  return margin;
}

std::array<uint32_t, 4> philox4x32_10(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t(0xD2511F53u) * counter[0];
    const uint64_t product1 = uint64_t(0xCD9E8D57u) * counter[2];
    counter = {uint32_t(product1 >> 32) ^ counter[1] ^ key[0], uint32_t(product1),
               uint32_t(product0 >> 32) ^ counter[3] ^ key[1], uint32_t(product0)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

}  // namespace reference
