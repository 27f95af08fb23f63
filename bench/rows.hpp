// What a run of recur-bench has found: a row for each shape and pass, or for each kernel. Written as Markdown
// and as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "counts.hpp"
#include "shapes.hpp"
#include "statistics.hpp"

namespace recur::bench {

// One way to make a call on a GPU, timed. Milliseconds of the whole call.
struct Timing {
  std::string name;     // "recur", "recur, graph", "cuDNN standard"
  std::string refused;  // why it could not be run
  Spread cold, warm;    // of the L2 cache
  int repetitions = 0;
};

struct LayerRow {
  Shape shape;
  Pass pass = Pass::inference;
  std::string refused;           // by the library: why
  std::optional<Counts> counts;  // emulated
  std::vector<Timing> timings;   // on a GPU, recur's first
};

// A kernel by itself, in the table "kernels".
struct KernelRow {
  std::string call, shape;
  KernelCounts counts;     // emulated
  double least_bytes = 0;  // inputs read once, outputs written once
  double elements = 1;     // that instructions are divided by
  Timing timing;           // on a GPU, of the whole call
};

struct Results {
  std::string device;
  bool emulated = false;
  std::vector<LayerRow> layers;
  std::vector<KernelRow> kernels;
};

std::string as_markdown(const Results& results);
nlohmann::json as_json(const Results& results);

double steps_of(const LayerRow& row);
// "2.01 ms: cuDNN, nn.LSTM fp16": what others state of the row's pass.
std::string published_text(const LayerRow& row);
// Milliseconds of the fastest of recur's timings, L2 warm; 0 where there is none.
double fastest_of_recur(const std::vector<Timing>& timings);

}  // namespace recur::bench
