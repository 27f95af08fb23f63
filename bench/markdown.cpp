#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "floor.hpp"
#include "rows.hpp"

namespace recur::bench {
namespace {

// A cell must not end the row: bars of its own are written out.
std::string cell(const std::string& text) {
  std::string safe;
  for (const char c : text) safe += c == '|' ? "\\|" : c == '\n' ? " " : std::string(1, c);
  return safe;
}

std::string line(const std::vector<std::string>& cells) {
  std::string text = "|";
  for (const std::string& c : cells) text += " " + cell(c) + " |";
  return text + "\n";
}

// Columns of numbers end at the right: those whose name begins with "#", which is not printed.
std::string head(std::vector<std::string> columns) {
  std::string rule = "|";
  for (std::string& c : columns) {
    const bool number = c[0] == '#';
    if (number) c.erase(0, 1);
    rule += number ? " --: |" : " --- |";
  }
  return line(columns) + rule + "\n";
}

std::string share(double part) { return fmt::format("{:.0f} %", 100 * part); }

std::string registers(const Counts& c) {
  const KernelCounts* const most = c.most_registers();
  if (most == nullptr || most->registers == 0) return "unknown";
  return fmt::format("{}, {}", most->registers, c.stack() > 0 ? fmt::format("stack {}", c.stack()) : "none");
}

std::string counted(const Counts& c) {
  return c.counted[1] == 0 ? "all" : fmt::format("{} and {}", c.counted[0], c.counted[1]);
}

std::string emulated_layers(const std::vector<const LayerRow*>& rows) {
  std::string text =
      head({"layer", "pass", "residency, and why", "#launches a step", "#bytes / floor", "#sectors a request",
            "#bank conflicts", "#registers, spills", "#barriers a step", "#tensor cores",
            "#modelled us a step", "#modelled ms", "largest part, modelled", "published", "#steps counted"});
  for (const LayerRow* row : rows) {
    const std::string name = describe(row->shape.layer), pass = name_of(row->pass);
    if (!row->counts) {
      text += line({name, pass, "refused: " + row->refused, "", "", "", "", "", "", "", "", "", "",
                    published_text(*row), ""});
      continue;
    }
    const Counts& c = *row->counts;
    const double requests = c.total(&KernelCounts::requests), wavefronts = c.total(&KernelCounts::wavefronts);
    double largest = 0;
    const std::string part = c.largest_part(&largest);
    text +=
        line({name, pass, c.choice.reason, fmt::format("{:.2f}", c.launches() / c.steps),
              fmt::format("{:.2f}", c.bytes() / c.floor_bytes),
              requests > 0 ? fmt::format("{:.1f}", c.total(&KernelCounts::sectors) / requests) : "none",
              wavefronts > 0 ? share(c.total(&KernelCounts::conflicts) / wavefronts) : "none", registers(c),
              fmt::format("{:.1f}", c.barriers_a_step()), share(c.tensor_core_share()),
              fmt::format("{:.2f}", 1e6 * c.seconds() / c.steps), fmt::format("{:.3f}", 1e3 * c.seconds()),
              fmt::format("{}, {}", part, share(largest)), published_text(*row), counted(c)});
  }
  return text;
}

std::string spread_text(const Spread& s) {
  return fmt::format("{:.4f} ({:.4f} to {:.4f})", s.median, s.p10, s.p90);
}

// From milliseconds of a call.
Spread a_step(const Spread& s, double steps) {
  return {1e3 * s.median / steps, 1e3 * s.p10 / steps, 1e3 * s.p90 / steps};
}

std::string timed_layers(const std::vector<const LayerRow*>& rows) {
  std::string text = head({"layer", "pass", "by", "#ms, L2 cold: median (10 % to 90 %)",
                           "#ms, L2 warm: median (10 % to 90 %)", "#us a step, warm: median (10 % to 90 %)",
                           "published", "#time over recur's"});
  for (const LayerRow* row : rows) {
    const std::string name = describe(row->shape.layer), pass = name_of(row->pass),
                      published = published_text(*row);
    if (!row->refused.empty())
      text += line({name, pass, "refused: " + row->refused, "", "", "", published, ""});
    const double recur = fastest_of_recur(row->timings);
    for (const Timing& t : row->timings) {
      if (!t.refused.empty()) {
        text += line({name, pass, t.name + ": " + t.refused, "", "", "", published, ""});
        continue;
      }
      text += line({name, pass, t.name, spread_text(t.cold), spread_text(t.warm),
                    spread_text(a_step(t.warm, steps_of(*row))), published,
                    recur > 0 ? fmt::format("{:.2f}", t.warm.median / recur) : ""});
    }
  }
  return text;
}

std::string emulated_kernels(const std::vector<KernelRow>& rows) {
  std::string text = head({"call", "shape", "kernel", "#launches", "#least bytes", "#asked", "#moved",
                           "#unique", "#instructions", "#conflicts", "#modelled us", "most of it, modelled"});
  for (const KernelRow& row : rows) {
    const KernelCounts& k = row.counts;
    text += line({row.call, row.shape, "`" + k.name + "`", fmt::format("{:.0f}", k.launches),
                  fmt::format("{:.0f}", row.least_bytes), fmt::format("{:.3f}", k.bytes / row.least_bytes),
                  fmt::format("{:.3f}", 32 * k.sectors / row.least_bytes),
                  fmt::format("{:.3f}", k.unique_bytes / row.least_bytes),
                  fmt::format("{:.1f}", k.thread_instructions / row.elements),
                  fmt::format("{:.0f} of {:.0f}", k.conflicts, k.wavefronts),
                  fmt::format("{:.2f}", 1e6 * k.seconds / k.launches), k.largest});
  }
  return text;
}

std::string timed_kernels(const std::vector<KernelRow>& rows) {
  std::string text =
      head({"call", "shape", "#ms, L2 cold: median (10 % to 90 %)", "#ms, L2 warm: median (10 % to 90 %)"});
  for (const KernelRow& row : rows)
    text += line({row.call, row.shape, spread_text(row.timing.cold), spread_text(row.timing.warm)});
  return text;
}

const char* const kLayersEmulated =
    "Emulated and modelled; nothing here was timed. Counted: what the library's kernels did in the emulator. "
    "Products go "
    "through cuBLASLt, whose code the emulator does not run: of each only its shape is known, and its bytes "
    "are its operands "
    "once each.\n\n"
    "- launches: kernels and products. bytes / floor: what kernels ask of global memory and products' "
    "operands, over the "
    "fewest that the call can move: {}.\n"
    "- sectors a request (32 bytes each), bank conflicts (of all passes through shared memory), barriers (of "
    "a block), "
    "registers a thread (the kernel with most, from its machine code) and spills: of kernels alone.\n"
    "- tensor cores: share of all operations; products of fp16, bf16 and TF32 are taken to run there.\n"
    "- modelled: launches one after another. A kernel's time is that of docs/performance-model.md; a "
    "product's is a launch and "
    "the larger of operations over its unit's rate and bytes over DRAM's bandwidth, by the same figures: no "
    "product is faster "
    "on that device unless its operands are still in L2.\n"
    "- steps counted: of a long sequence two short ones were run; what a step adds between them is added for "
    "the rest.\n\n";

const char* const kKernelsEmulated =
    "Emulated and modelled. Asked: bytes that all lanes ask for, a broadcast counted 32 times. Moved: the "
    "32-byte sectors that "
    "the requests touch; unique: each byte read or written once a launch. All over the least bytes; PTX "
    "instructions a hidden "
    "unit, logit or parameter. Conflicts: passes through the banks of shared memory beyond the fewest, of "
    "all passes. "
    "Modelled: the time of a launch and what most of it goes to (docs/performance-model.md), not "
    "measured.\n\n";

}  // namespace

std::string as_markdown(const Results& results) {
  std::string text = fmt::format("recur on {}\n\n", results.device);
  std::vector<std::string> sets;
  for (const LayerRow& row : results.layers)
    if (std::find(sets.begin(), sets.end(), row.shape.set) == sets.end()) sets.push_back(row.shape.set);
  if (!sets.empty())
    text += results.emulated ? fmt::format(fmt::runtime(kLayersEmulated), kFloorInWords)
                             : "Measured by CUDA events around each call. Cold: a buffer larger than L2 was "
                               "written before it.\n\n";
  for (const std::string& set : sets) {
    std::vector<const LayerRow*> rows;
    std::vector<std::string> sources, published;
    const auto add = [](std::vector<std::string>& all, const std::string& one) {
      if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
    };
    for (const LayerRow& row : results.layers) {
      if (row.shape.set != set) continue;
      rows.push_back(&row);
      add(sources, row.shape.source);
      for (const Published& p : row.shape.published) add(published, p.source);
    }
    text += fmt::format("## {}\n\nShapes: {}.", set, fmt::join(sources, "; "));
    if (!published.empty()) text += fmt::format(" Published, not ours: {}.", fmt::join(published, "; "));
    text += "\n\n" + (results.emulated ? emulated_layers(rows) : timed_layers(rows)) + "\n";
  }
  if (!results.kernels.empty()) {
    text += "## kernels\n\n";
    text += results.emulated ? kKernelsEmulated + emulated_kernels(results.kernels)
                             : timed_kernels(results.kernels);
    text += "\n";
  }
  return text;
}

}  // namespace recur::bench
