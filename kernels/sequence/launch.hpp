// Launchers of the kernels around the recurrent layers. Arguments are device memory, checked by the caller;
// each launcher enqueues on the stream and returns the launch's error. Shapes: M rows, V vocabulary or
// classes, E size.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "recur/layer.h"

namespace recur::kernels {

// 16-byte accesses need every pointer and every row pitch (in floats) to allow them.
template <class... Pointers>
bool can_use_16_bytes(int64_t pitch, Pointers... pointers) {
  return pitch % 4 == 0 && ((reinterpret_cast<uintptr_t>(pointers) % 16 == 0) && ...);
}

struct EmbeddingForward {
  int64_t count, vocabulary, size;
  const float* table;
  const int32_t* indices;
  float* output;
  int32_t* bad_indices;  // or null
};
cudaError_t embedding_forward(const EmbeddingForward& a, cudaStream_t stream);

// out[z,v,:] (+)= the sum over the positions m of chunk z with indices[m] == v, ascending in m within each of
// eight interleaved sums. Scans the indices once for each row v. accumulate only with one chunk.
struct EmbeddingScan {
  int64_t count, vocabulary, size, chunk;  // chunk: positions, a multiple of 32
  const int32_t* indices;
  const float* output_gradient;
  float* out;  // [ceil(count/chunk),V,E]
  bool accumulate;
};
cudaError_t embedding_scan(const EmbeddingScan& a, cudaStream_t stream);

// The same sums from positions sorted by index, stable in position.
struct EmbeddingSorted {
  int64_t count, vocabulary, size;
  const uint32_t* keys;       // [M] ascending
  const uint32_t* positions;  // [M]
  const float* output_gradient;
  float* out;  // [V,E]
  bool accumulate;
};
cudaError_t embedding_sorted(const EmbeddingSorted& a, cudaStream_t stream);

// One pass of a stable least-significant-digit radix sort over 8 bits of the keys. The first pass takes the
// indices: key = index, or V where it is outside 0..V-1, position = its place.
constexpr int kRadixTile = 2048;
constexpr int kRadixDigits = 256;
struct RadixPass {
  int64_t count;
  int shift;
  const int32_t* indices;  // first pass, else null
  int64_t vocabulary;
  const uint32_t *keys_in, *positions_in;  // later passes
  uint32_t *keys_out, *positions_out;
  uint32_t* offsets;  // scratch [256, ceil(M/2048)]
};
cudaError_t radix_pass(const RadixPass& a, cudaStream_t stream);

// out[z,:] (+)= the sum of the rows of chunk z of in[rows,columns]; accumulate only with one chunk, else each
// chunk's row of out is overwritten. Fixed order: eight interleaved sums, added in turn.
struct ColumnSum {
  const void* in;  // of the type below
  float* out;
  int64_t rows, columns, chunk;
  bool accumulate;
  recur_type type = RECUR_TYPE_FLOAT32;
};
cudaError_t column_sum_pass(const ColumnSum& a, cudaStream_t stream);

// out[columns] (+)= sum over rows of in[rows,columns], in two passes through scratch if there are many rows.
size_t column_sum_workspace(int64_t rows, int64_t columns);  // bytes
cudaError_t column_sum(const void* in, float* out, int64_t rows, int64_t columns, bool accumulate,
                       void* workspace, cudaStream_t stream, recur_type type = RECUR_TYPE_FLOAT32);

struct CrossEntropy {
  int64_t rows, classes;
  const float* logits;
  const int32_t* targets;
  bool use_ignore_index;
  int32_t ignore_index;
  float smoothing;
  bool mean;
  float* loss;           // or null
  float* row_losses;     // [M], or null if neither it nor loss is wanted
  float* gradient;       // or null; may be logits
  int32_t* bad_targets;  // or null
  int64_t* count;        // scratch [1]
};
cudaError_t cross_entropy(const CrossEntropy& a, cudaStream_t stream);

struct Sample {
  int64_t rows, classes;
  const float* logits;
  float inverse_temperature;  // 0: greedy
  uint64_t seed, offset;
  int32_t* samples;
  float* log_probabilities;  // or null
};
cudaError_t sample(const Sample& a, cudaStream_t stream);

}  // namespace recur::kernels
