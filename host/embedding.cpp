#include <algorithm>

#include "arguments.hpp"
#include "check.hpp"
#include "kernels/sequence/launch.hpp"
#include "overlap.hpp"
#include "recur/sequence.h"

namespace recur {
namespace {

constexpr int64_t kMaxIndex = INT32_MAX;

// A small vocabulary scans the indices once for each row of the table; the cost is count * vocabulary / 32
// ballots, some microseconds at this bound. Above it the positions are sorted first.
constexpr int64_t kScanBound = int64_t{1} << 24;
constexpr int64_t kScanVocabulary = 1024;
// Positions for each partial sum of the scan.
constexpr int64_t kScanChunk = 4096;

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
size_t align_up(size_t bytes) { return (bytes + 15) / 16 * 16; }

// Where the parts of the workspace begin, in bytes; made by the size query and by the call alike.
struct BackwardLayout {
  bool sorts;
  int64_t chunks;                         // of the scan
  size_t partial;                         // scan: [chunks,V,E], if there are two and more
  size_t keys[2], positions[2], offsets;  // sort
  size_t bytes;
};

BackwardLayout backward_layout(int64_t count, int64_t vocabulary, int64_t size) {
  BackwardLayout layout = {};
  layout.sorts = vocabulary > kScanVocabulary || count > kScanBound / vocabulary;
  if (layout.sorts) {
    auto take = [&](size_t elements) {
      size_t offset = layout.bytes;
      layout.bytes += align_up(elements * sizeof(uint32_t));
      return offset;
    };
    for (int i = 0; i < 2; ++i) {
      layout.keys[i] = take(count);
      layout.positions[i] = take(count);
    }
    layout.offsets = take(kernels::kRadixDigits * divide_up(count, kernels::kRadixTile));
  } else {
    layout.chunks = std::max<int64_t>(1, divide_up(count, kScanChunk));
    if (layout.chunks > 1) layout.bytes = align_up(sizeof(float) * layout.chunks * vocabulary * size);
  }
  return layout;
}

void check_sizes(int64_t count, int64_t vocabulary, int64_t size, int64_t max_count) {
  require_range("count", count, 0, max_count);
  require_range("vocabulary", vocabulary, 1, kMaxIndex);
  require_range("size", size, 1, int64_t{1} << 40);
  require_elements("count * size", count, size);
  require_elements("vocabulary * size", vocabulary, size);
}

void sorted_backward(const recur_embedding_backward_args& a, const BackwardLayout& layout) {
  char* base = static_cast<char*>(a.workspace);
  auto words = [&](size_t offset) { return reinterpret_cast<uint32_t*>(base + offset); };
  kernels::RadixPass pass = {};
  pass.count = a.count;
  pass.vocabulary = a.vocabulary;
  pass.indices = a.indices;
  pass.offsets = words(layout.offsets);
  int out = 0;
  // The largest key is V, which stands for every index outside 0..V-1.
  for (pass.shift = 0; pass.shift == 0 || a.vocabulary >> pass.shift > 0; pass.shift += 8) {
    pass.keys_out = words(layout.keys[out]);
    pass.positions_out = words(layout.positions[out]);
    if (a.count > 0) RECUR_CUDA(kernels::radix_pass(pass, a.stream));
    pass.indices = nullptr;
    pass.keys_in = pass.keys_out;
    pass.positions_in = pass.positions_out;
    out = 1 - out;
  }
  RECUR_CUDA(kernels::embedding_sorted({a.count, a.vocabulary, a.size, pass.keys_in, pass.positions_in,
                                        a.output_gradient, a.table_gradient, a.accumulate != 0},
                                       a.stream));
}

void scanned_backward(const recur_embedding_backward_args& a, const BackwardLayout& layout) {
  bool whole = layout.chunks == 1;
  float* out = whole ? a.table_gradient : static_cast<float*>(a.workspace);
  RECUR_CUDA(kernels::embedding_scan({a.count, a.vocabulary, a.size, kScanChunk, a.indices, a.output_gradient,
                                      out, whole && a.accumulate != 0},
                                     a.stream));
  if (whole) return;
  RECUR_CUDA(kernels::column_sum_pass(
      {out, a.table_gradient, layout.chunks, a.vocabulary * a.size, layout.chunks, a.accumulate != 0},
      a.stream));
}

}  // namespace
}  // namespace recur

recur_status recur_embedding_forward(const recur_embedding_forward_args* args) {
  return recur::guard([&] {
    using namespace recur;
    require_not_null("args", args);
    check_sizes(args->count, args->vocabulary, args->size, int64_t{1} << 40);
    if (args->count == 0) {
      optional_device("bad_indices", args->bad_indices);
      return;
    }
    Overlaps buffers;
    buffers.input("table", args->table, sizeof(float) * args->vocabulary * args->size);
    buffers.input("indices", args->indices, sizeof(int32_t) * args->count);
    buffers.output("output", args->output, sizeof(float) * args->count * args->size);
    buffers.optional_output("bad_indices", args->bad_indices, sizeof(int32_t));
    buffers.check();
    require_no_pending_error();
    RECUR_CUDA(kernels::embedding_forward({args->count, args->vocabulary, args->size, args->table,
                                           args->indices, args->output, args->bad_indices},
                                          args->stream));
  });
}

recur_status recur_embedding_backward_workspace(int64_t count, int64_t vocabulary, int64_t size,
                                                size_t* bytes) {
  return recur::guard([&] {
    recur::require_not_null("bytes", bytes);
    recur::check_sizes(count, vocabulary, size, recur::kMaxIndex);
    *bytes = recur::backward_layout(count, vocabulary, size).bytes;
  });
}

recur_status recur_embedding_backward(const recur_embedding_backward_args* args) {
  return recur::guard([&] {
    using namespace recur;
    require_not_null("args", args);
    check_sizes(args->count, args->vocabulary, args->size, kMaxIndex);
    Overlaps buffers;
    buffers.output("table_gradient", args->table_gradient, sizeof(float) * args->vocabulary * args->size);
    if (args->count > 0) {
      buffers.input("indices", args->indices, sizeof(int32_t) * args->count);
      buffers.input("output_gradient", args->output_gradient, sizeof(float) * args->count * args->size);
    }
    BackwardLayout layout = backward_layout(args->count, args->vocabulary, args->size);
    require_workspace("workspace", args->workspace, args->workspace_size, layout.bytes);
    buffers.scratch("workspace", args->workspace, layout.bytes);
    buffers.check();
    require_no_pending_error();
    if (layout.sorts) {
      sorted_backward(*args, layout);
    } else {
      scanned_backward(*args, layout);
    }
  });
}
