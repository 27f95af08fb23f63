#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "floor.hpp"
#include "rows.hpp"

namespace recur::bench {
namespace {

using nlohmann::json;

json of(const KernelCounts& k) {
  return {{"kernel", k.name},
          {"launches", k.launches},
          {"blocks", k.blocks},
          {"requests", k.requests},
          {"bytes", k.bytes},
          {"sector_bytes", 32 * k.sectors},
          {"unique_bytes", k.unique_bytes},
          {"shared_wavefronts", k.wavefronts},
          {"bank_conflicts", k.conflicts},
          {"flops", k.flops},
          {"matrix_flops", k.matrix_flops},
          {"block_barriers", k.block_barriers},
          {"cluster_barrier_instructions", k.cluster_barriers},
          {"mbarrier_instructions", k.mbarriers},
          {"thread_instructions", k.thread_instructions},
          {"modelled_seconds", k.seconds},
          {"modelled_largest", k.largest},
          {"registers", k.registers},
          {"stack_bytes", k.stack}};
}

json of(const Counts& c) {
  json kernels = json::array();
  for (const KernelCounts& k : c.kernels) kernels.push_back(of(k));
  double share = 0;
  const std::string largest = c.largest_part(&share);
  json steps_run = json::array({c.counted[0]});
  if (c.counted[1] > 0) steps_run.push_back(c.counted[1]);
  return {{"steps_run", steps_run},
          {"launches", c.launches()},
          {"bytes", c.bytes()},
          {"floor_bytes", c.floor_bytes},
          {"barriers_a_step", c.barriers_a_step()},
          {"tensor_core_share", c.tensor_core_share()},
          {"modelled_seconds", c.seconds()},
          {"modelled_largest", largest},
          {"modelled_largest_share", share},
          {"copies_and_fills", c.copies_and_fills},
          {"reserve_bytes", c.reserve_bytes},
          {"choice", c.choice.reason},
          {"kernels", kernels},
          {"products",
           {{"count", c.products},
            {"operand_bytes", c.product_bytes},
            {"flops", c.product_flops},
            {"modelled_seconds", c.product_seconds},
            {"modelled_largest", c.product_largest}}}};
}

json of(const Spread& s) { return {{"median", s.median}, {"p10", s.p10}, {"p90", s.p90}}; }

json of(const Timing& t) {
  if (!t.refused.empty()) return {{"name", t.name}, {"refused", t.refused}};
  return {{"name", t.name},
          {"milliseconds_cold", of(t.cold)},
          {"milliseconds_warm", of(t.warm)},
          {"repetitions", t.repetitions}};
}

json of(const LayerRow& row) {
  const recur_layer_descriptor& d = row.shape.layer;
  json published = json::array();
  for (const Published& p : row.shape.published)
    if (p.pass == row.pass)
      published.push_back({{"who", p.who}, {"milliseconds", p.milliseconds}, {"source", p.source}});
  json out = {{"set", row.shape.set},
              {"layer", describe(d)},
              {"pass", name_of(row.pass)},
              {"cell", name_of(d.cell)},
              {"type", name_of(d.type)},
              {"steps", steps_of(row)},
              {"batch", d.batch},
              {"input_size", d.input_size},
              {"hidden_size", d.hidden_size},
              {"layers", std::max<int64_t>(d.layers, 1)},
              {"directions", std::max<int64_t>(d.directions, 1)},
              {"source", row.shape.source},
              {"published", published}};
  if (!row.refused.empty()) out["refused"] = row.refused;
  if (row.counts) out["emulated"] = of(*row.counts);
  if (!row.timings.empty()) {
    out["measured"] = json::array();
    for (const Timing& t : row.timings) out["measured"].push_back(of(t));
  }
  return out;
}

json of(const KernelRow& row, bool emulated) {
  json out = {{"call", row.call}, {"shape", row.shape}};
  if (!emulated) {
    out["measured"] = of(row.timing);
    return out;
  }
  out["least_bytes"] = row.least_bytes;
  out["instructions_per_element"] = row.counts.thread_instructions / row.elements;
  out["emulated"] = of(row.counts);
  return out;
}

}  // namespace

json as_json(const Results& results) {
  json all = {{"program", "recur-bench"},
              {"device", results.device},
              {"figures", results.emulated ? "emulated: counted, times modelled" : "measured"},
              {"emulated", results.emulated},
              {"floor", kFloorInWords},
              {"layers", json::array()},
              {"kernels", json::array()}};
  for (const LayerRow& row : results.layers) all["layers"].push_back(of(row));
  for (const KernelRow& row : results.kernels) all["kernels"].push_back(of(row, results.emulated));
  return all;
}

double steps_of(const LayerRow& row) {
  return row.pass == Pass::step ? 1 : static_cast<double>(row.shape.layer.steps);
}

std::string published_text(const LayerRow& row) {
  std::string text;
  for (const Published& p : row.shape.published)
    if (p.pass == row.pass)
      text += fmt::format("{}{} ms: {}", text.empty() ? "" : "; ", p.milliseconds, p.who);
  return text;
}

double fastest_of_recur(const std::vector<Timing>& timings) {
  double fastest = 0;
  for (const Timing& t : timings)
    if (t.name.rfind("recur", 0) == 0 && t.refused.empty() && (fastest == 0 || t.warm.median < fastest))
      fastest = t.warm.median;
  return fastest;
}

}  // namespace recur::bench
