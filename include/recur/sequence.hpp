/// Embedding, softmax cross-entropy and sampling of recur/sequence.h with exceptions in place of status codes. @file
#pragma once

#include "recur/error.hpp"
#include "recur/sequence.h"

namespace recur {

using EmbeddingForward = recur_embedding_forward_args;    ///< to be set to zero first
using EmbeddingBackward = recur_embedding_backward_args;  ///< likewise
using CrossEntropy = recur_cross_entropy_args;            ///< likewise
using Sample = recur_sample_args;                         ///< likewise

inline void embedding_forward(const EmbeddingForward& args) { check(recur_embedding_forward(&args)); }  ///< enqueues
/// Bytes of workspace.
inline size_t embedding_backward_workspace(int64_t count, int64_t vocabulary, int64_t size) {
  size_t bytes = 0;
  check(recur_embedding_backward_workspace(count, vocabulary, size, &bytes));
  return bytes;
}
inline void embedding_backward(const EmbeddingBackward& args) { check(recur_embedding_backward(&args)); }  ///< enqueues
/// Bytes of workspace.
inline size_t cross_entropy_workspace(int64_t rows, int64_t classes) {
  size_t bytes = 0;
  check(recur_cross_entropy_workspace(rows, classes, &bytes));
  return bytes;
}
inline void cross_entropy(const CrossEntropy& args) { check(recur_cross_entropy(&args)); }  ///< enqueues

inline void sample(const Sample& args) { check(recur_sample(&args)); }  ///< enqueues

}  // namespace recur
