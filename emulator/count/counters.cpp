#include "count/counters.hpp"

#include <algorithm>

#include "support/error.hpp"

namespace ptxvm::count {

Traffic& Traffic::operator+=(const Traffic& o) {
  requests += o.requests;
  bytes += o.bytes;
  sectors += o.sectors;
  return *this;
}

SharedTraffic& SharedTraffic::operator+=(const SharedTraffic& o) {
  requests += o.requests;
  bytes += o.bytes;
  wavefronts += o.wavefronts;
  least += o.least;
  return *this;
}

Memory& Memory::operator+=(const Memory& o) {
  global_load += o.global_load;
  global_store += o.global_store;
  local_load += o.local_load;
  local_store += o.local_store;
  constant_load += o.constant_load;
  atomics += o.atomics;
  shared_load += o.shared_load;
  shared_store += o.shared_store;
  shared_atomics += o.shared_atomics;
  remote += o.remote;
  polls += o.polls;
  return *this;
}

Line& Line::operator+=(const Line& o) {
  executions += o.executions;
  lanes += o.lanes;
  sectors += o.sectors;
  wavefronts += o.wavefronts;
  least += o.least;
  return *this;
}

Kernel& Kernel::operator+=(const Kernel& o) {
  launches += o.launches;
  blocks += o.blocks;
  warp_instructions += o.warp_instructions;
  thread_instructions += o.thread_instructions;
  switched_off += o.switched_off;
  for (int k = 0; k < kClasses; ++k) classes[k] += o.classes[k];
  for (int k = 0; k < kNumbers; ++k) flops[k] += o.flops[k];
  for (int k = 0; k < kFactors; ++k) matrix_flops[k] += o.matrix_flops[k];
  divergent_branches += o.divergent_branches;
  block_barriers += o.block_barriers;
  counted_launches += o.counted_launches;
  memory += o.memory;
  unique.bytes_read += o.unique.bytes_read;
  unique.bytes_written += o.unique.bytes_written;
  unique.sectors_read += o.unique.sectors_read;
  unique.sectors_written += o.unique.sectors_written;
  for (const auto& [place, line] : o.lines) lines[place] += line;
  modelled += o.modelled;
  phases += o.phases;
  latest = o.latest;
  seconds += o.seconds;
  return *this;
}

Wish wish(const char* setting) {
  Wish w;
  if (setting == nullptr || *setting == '\0') return w;
  const std::string text = setting, form = text.substr(0, text.find(':'));
  if (form.size() < text.size()) w.file = text.substr(form.size() + 1);
  if (form == "table") w.form = Wish::Form::Table;
  else if (form == "json") w.form = Wish::Form::Json;
  else if (form == "lines") w.form = Wish::Form::Lines;
  if (w.form == Wish::Form::None || (form.size() < text.size() && w.file.empty()))
    throw Error(Status::InvalidValue, "PTXVM_COUNTERS=" + text + ": it may be table, json or lines, and then :FILE");
  return w;
}

}  // namespace ptxvm::count
