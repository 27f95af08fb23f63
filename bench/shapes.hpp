// What recur-bench runs: shapes with the source of each and what is published of it. One table, in
// shapes.cpp.
#pragma once

#include <string>
#include <vector>

#include "recur/layer.h"

namespace recur::bench {

enum class Pass {
  inference,  // forward without reserve
  training,   // forward with reserve, then backward with every gradient
  step        // one step of inference
};

recur_layer_descriptor layer(recur_cell cell, recur_type type, int64_t T, int64_t N, int64_t I, int64_t H,
                             int64_t L = 1, int64_t D = 1);

// A time that somebody else states of this shape.
struct Published {
  Pass pass;
  double milliseconds;  // of the whole call
  std::string who, source;
};

struct Shape {
  std::string set;  // the name it is run by
  recur_layer_descriptor layer = {};
  std::vector<Pass> passes;
  std::string source;
  std::vector<Published> published;
};

// In the order of docs/benchmarks.md. "kernels" is a table of its own, "all" every other.
const std::vector<std::string>& set_names();
bool is_set_name(const std::string& name);
// Of one set of shapes, or of all; "kernels" has none.
std::vector<Shape> shapes_of(const std::string& set);

// One word each, as on the command line; of a name that is none of them, false.
const char* name_of(recur_cell cell);
const char* name_of(recur_type type);
const char* name_of(Pass pass);
const char* name_of(recur_residency residency);
bool from_name(const std::string& name, recur_cell& cell);
bool from_name(const std::string& name, recur_type& type);
bool from_name(const std::string& name, Pass& pass);
bool from_name(const std::string& name, recur_residency& residency);

// "LSTM fp16 T25 N16 I512 H512", and what else differs from one plain layer.
std::string describe(const recur_layer_descriptor& layer);

int gates_of(recur_cell cell);

}  // namespace recur::bench
