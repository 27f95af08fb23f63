// Counters as a table, as JSON, and by line.
#include <cxxabi.h>

#include <algorithm>
#include <cinttypes>
#include <cstdlib>
#include <memory>

#include "count/counters.hpp"
#include "support/format.hpp"

namespace ptxvm::count {
namespace {

using Count = unsigned long long;

std::string readable(const std::string& mangled) {
  int status = 0;
  std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status), std::free);
  return status == 0 ? text.get() : mangled;
}

double ratio(double a, double b) { return b > 0 ? a / b : 0; }

std::string traffic(const char* what, const Traffic& t) {
  if (t.requests == 0) return "";
  return format("  %-24s %llu requests, %llu bytes, %llu sectors (%.2f a request, %.1f%% useful)\n", what, Count(t.requests),
                Count(t.bytes), Count(t.sectors), ratio(double(t.sectors), double(t.requests)),
                100 * ratio(double(t.bytes), 32.0 * double(t.sectors)));
}

std::string shared(const char* what, const SharedTraffic& t) {
  if (t.requests == 0) return "";
  return format("  %-24s %llu requests, %llu bytes, %llu wavefronts, %llu of them bank conflicts\n", what, Count(t.requests),
                Count(t.bytes), Count(t.wavefronts), Count(t.conflicts()));
}

std::string memory(const Kernel& k) {
  const Memory& m = k.memory;
  std::string s = traffic("global loads", m.global_load) + traffic("global stores", m.global_store) +
                  traffic("global atomics", m.atomics) + traffic("local loads", m.local_load) +
                  traffic("local stores", m.local_store) + shared("shared loads", m.shared_load) +
                  shared("shared stores", m.shared_store) + shared("shared atomics", m.shared_atomics);
  if (m.constant_load.requests)
    s += format("  %-24s %llu requests, %llu bytes\n", "constant loads", Count(m.constant_load.requests), Count(m.constant_load.bytes));
  if (m.remote.requests)
    s += format("  %-24s %llu requests, %llu bytes\n", "distributed shared", Count(m.remote.requests), Count(m.remote.bytes));
  if (m.polls) s += format("  %-24s %llu loads found a flag unchanged\n", "polls", Count(m.polls));
  s += format("  %-24s read %llu bytes in %llu sectors, written %llu in %llu\n", "unique, least of DRAM", Count(k.unique.bytes_read),
              Count(k.unique.sectors_read), Count(k.unique.bytes_written), Count(k.unique.sectors_written));
  return s;
}

std::string modelled(const Kernel& k, const std::string& device) {
  const model::Estimate& e = k.modelled;
  std::string s = format("  %-24s %.3f us a launch on %s, most of it %s:", "modelled", 1e6 * ratio(e.seconds(), double(k.counted_launches)),
                         device.c_str(), e.largest());
  for (int r = 0; r < model::kResources; ++r)
    if (e.decided[std::size_t(r)] > 0) s += format(" %s %.1f%%;", name(model::Resource(r)), 100 * e.decided[std::size_t(r)] / e.seconds());
  for (int l = 0; l < model::kLatencies; ++l)
    if (e.waited[std::size_t(l)] > 0) s += format(" %s %.1f%%;", name(model::Latency(l)), 100 * e.waited[std::size_t(l)] / e.seconds());
  s.back() = '\n';
  return s;
}

std::string one(const std::string& title, const Kernel& k, const std::string& device, bool total) {
  std::string s = title + "\n";
  s += format("  %-24s %llu, of %llu blocks in all\n", "launches", Count(k.launches), Count(k.blocks));
  const Launch& l = k.latest;
  if (!total)
    s += format("  %-24s grid (%u,%u,%u), block (%u,%u,%u); %u registers a thread, %u + %u bytes of shared memory, %u of local; "
                "%u blocks, %u of %u warps on a multiprocessor\n",
                "latest launch", l.grid[0], l.grid[1], l.grid[2], l.block[0], l.block[1], l.block[2], l.registers, l.static_shared,
                l.dynamic_shared, l.local, l.resident_blocks, l.resident_warps, l.most_warps);
  s += format("  %-24s %llu of warps, %.2f lanes active in the mean, %llu lanes switched off by predicates\n", "instructions",
              Count(k.warp_instructions), ratio(double(k.thread_instructions), double(k.warp_instructions)), Count(k.switched_off));
  std::string list;
  for (int c = 0; c < kClasses; ++c)
    if (k.classes[c]) list += format("%s%s %llu", list.empty() ? "" : ", ", name(Class(c)), Count(k.classes[c]));
  s += format("  %-24s %s\n", "by class", list.c_str());
  s += format("  %-24s %llu, %llu of them divergent\n", "branches", Count(k.classes[int(Class::Branch)]), Count(k.divergent_branches));
  if (k.block_barriers) s += format("  %-24s passed %llu times\n", "block barriers", Count(k.block_barriers));
  for (int n = 0; n < kNumbers; ++n)
    if (k.flops[n]) s += format("  %-24s %llu\n", (std::string("flops, ") + name(Number(n))).c_str(), Count(k.flops[n]));
  for (int f = 0; f < kFactors; ++f)
    if (k.matrix_flops[f])
      s += format("  %-24s %llu\n", (std::string("matrix flops, ") + name(Factor(f))).c_str(), Count(k.matrix_flops[f]));
  if (k.counted_launches) {
    s += memory(k);
    s += modelled(k, device);
  }
  return s;
}

// JSON by hand: names are the only text, and they need few escapes.
std::string quoted(const std::string& text) {
  std::string s = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') s += '\\';
    if (static_cast<unsigned char>(c) < 32) s += format("\\u%04x", c);
    else s += c;
  }
  return s + "\"";
}

class Object {
 public:
  void raw(const std::string& key, const std::string& value) {
    text_ += (text_.empty() ? "" : ", ") + quoted(key) + ": " + value;
  }
  void put(const std::string& key, std::uint64_t n) { raw(key, std::to_string(n)); }
  void put(const std::string& key, double v) { raw(key, format("%.9g", v)); }
  void put(const std::string& key, const std::string& v) { raw(key, quoted(v)); }
  std::string text() const { return "{" + text_ + "}"; }

 private:
  std::string text_;
};

std::string object(const Traffic& t) {
  Object o;
  o.put("requests", t.requests), o.put("bytes", t.bytes), o.put("sectors", t.sectors);
  return o.text();
}

std::string object(const SharedTraffic& t) {
  Object o;
  o.put("requests", t.requests), o.put("bytes", t.bytes), o.put("wavefronts", t.wavefronts), o.put("conflicts", t.conflicts());
  return o.text();
}

std::string object(const std::map<Place, Line>& lines) {
  std::string s;
  for (const auto& [place, line] : lines) {
    Object o;
    o.put("ptx_line", std::uint64_t(place.ptx)), o.put("source", place.source), o.put("instruction", place.text);
    o.put("executions", line.executions), o.put("lanes", line.lanes), o.put("sectors", line.sectors);
    o.put("wavefronts", line.wavefronts), o.put("conflicts", line.wavefronts - line.least);
    s += (s.empty() ? "" : ", ") + o.text();
  }
  return "[" + s + "]";
}

std::string object(const Kernel& k) {
  Object o;
  o.put("launches", k.launches), o.put("blocks", k.blocks);
  o.put("warp_instructions", k.warp_instructions), o.put("thread_instructions", k.thread_instructions);
  o.put("lanes_switched_off", k.switched_off), o.put("divergent_branches", k.divergent_branches);
  o.put("block_barriers_passed", k.block_barriers);
  Object classes, flops, matrix;
  for (int c = 0; c < kClasses; ++c)
    if (k.classes[c]) classes.put(name(Class(c)), k.classes[c]);
  for (int n = 0; n < kNumbers; ++n)
    if (k.flops[n]) flops.put(name(Number(n)), k.flops[n]);
  for (int f = 0; f < kFactors; ++f)
    if (k.matrix_flops[f]) matrix.put(name(Factor(f)), k.matrix_flops[f]);
  o.raw("classes", classes.text()), o.raw("flops", flops.text()), o.raw("matrix_flops", matrix.text());
  const Launch& l = k.latest;
  Object latest;
  latest.put("registers", std::uint64_t(l.registers)), latest.put("static_shared", std::uint64_t(l.static_shared));
  latest.put("dynamic_shared", std::uint64_t(l.dynamic_shared)), latest.put("local", std::uint64_t(l.local));
  latest.put("resident_blocks", std::uint64_t(l.resident_blocks)), latest.put("resident_warps", std::uint64_t(l.resident_warps));
  latest.raw("grid", format("[%u, %u, %u]", l.grid[0], l.grid[1], l.grid[2]));
  latest.raw("block", format("[%u, %u, %u]", l.block[0], l.block[1], l.block[2]));
  o.raw("latest_launch", latest.text());
  if (k.counted_launches == 0) return o.text();
  const Memory& m = k.memory;
  Object memory, unique, time;
  memory.raw("global_load", object(m.global_load)), memory.raw("global_store", object(m.global_store));
  memory.raw("atomics", object(m.atomics)), memory.raw("local_load", object(m.local_load));
  memory.raw("local_store", object(m.local_store)), memory.raw("constant_load", object(m.constant_load));
  memory.raw("shared_load", object(m.shared_load)), memory.raw("shared_store", object(m.shared_store));
  memory.raw("shared_atomics", object(m.shared_atomics)), memory.raw("distributed_shared", object(m.remote));
  memory.put("polls", m.polls);
  o.raw("memory", memory.text());
  unique.put("bytes_read", k.unique.bytes_read), unique.put("sectors_read", k.unique.sectors_read);
  unique.put("bytes_written", k.unique.bytes_written), unique.put("sectors_written", k.unique.sectors_written);
  o.raw("unique", unique.text());
  time.put("seconds", k.modelled.seconds()), time.put("largest", std::string(k.modelled.largest()));
  for (int r = 0; r < model::kResources; ++r)
    if (k.modelled.decided[std::size_t(r)] > 0) time.put(name(model::Resource(r)), k.modelled.decided[std::size_t(r)]);
  for (int w = 0; w < model::kLatencies; ++w)
    if (k.modelled.waited[std::size_t(w)] > 0) time.put(name(model::Latency(w)), k.modelled.waited[std::size_t(w)]);
  time.put("phases", k.phases);
  o.raw("modelled", time.text());
  if (!k.lines.empty()) o.raw("lines", object(k.lines));
  return o.text();
}

Kernel total(const Kernels& kernels) {
  Kernel all;
  for (const auto& [name, kernel] : kernels) {
    all += kernel;
    all.lines.clear();
  }
  return all;
}

}  // namespace

std::string table(const Kernels& kernels, const std::string& device) {
  std::string s = "ptxvm counters\n";
  for (const auto& [name, kernel] : kernels) s += one(readable(name), kernel, device, false);
  if (kernels.size() > 1) s += one("all kernels", total(kernels), device, true);
  return s;
}

std::string lines(const Kernels& kernels) {
  std::string s = "ptxvm counters by line: those that moved most first\n";
  for (const auto& [kernel_name, kernel] : kernels) {
    s += readable(kernel_name) + "\n" +
         format("  %8s %12s %12s %12s %12s %12s  %s\n", "PTX line", "executions", "lanes", "sectors", "wavefronts", "conflicts", "instruction");
    std::vector<std::pair<Place, Line>> list(kernel.lines.begin(), kernel.lines.end());
    std::stable_sort(list.begin(), list.end(), [](const auto& a, const auto& b) {
      return a.second.sectors + a.second.wavefronts > b.second.sectors + b.second.wavefronts;
    });
    for (const auto& [place, line] : list)
      s += format("  %8d %12llu %12llu %12llu %12llu %12llu  %s%s%s\n", place.ptx, Count(line.executions), Count(line.lanes),
                  Count(line.sectors), Count(line.wavefronts), Count(line.wavefronts - line.least), place.text.c_str(),
                  place.source.empty() ? "" : "  ", place.source.c_str());
  }
  return s;
}

std::string json(const Kernels& kernels, const std::string& device) {
  std::string list;
  for (const auto& [name, kernel] : kernels) {
    std::string text = object(kernel);
    text.insert(1, "\"name\": " + quoted(name) + ", \"readable\": " + quoted(readable(name)) + ", ");
    list += (list.empty() ? "\n  " : ",\n  ") + text;
  }
  return "{\"device\": " + quoted(device) + ", \"kernels\": [" + list + "],\n\"total\": " + object(total(kernels)) + "}\n";
}

}  // namespace ptxvm::count
