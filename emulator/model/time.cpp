#include "model/time.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace ptxvm::model {
namespace {

using count::Class;

constexpr double kSector = 32;
constexpr int kSchedulers = 4;

double sum(const Work& w) { return std::accumulate(w.begin(), w.end(), 0.0); }
double sum(const std::array<double, kLatencies>& w) { return std::accumulate(w.begin(), w.end(), 0.0); }
int largest_of(const Work& w) { return int(std::max_element(w.begin(), w.end()) - w.begin()); }
double& at(Work& w, Resource r) { return w[std::size_t(r)]; }

double active_multiprocessors(const Machine& m, const Shape& s) {
  return double(std::min<std::uint64_t>(m.multiprocessors, s.blocks));
}

}  // namespace

double Chain::cycles() const { return sum(decided) + sum(waited); }

bool lockstep(const Machine& m, const Shape& s) {
  return s.blocks <= std::uint64_t{m.multiprocessors} * std::max(1u, s.resident);
}

Rates rates(const Machine& m, const Shape& s) {
  Rates r;
  auto pipe = [&](Class c, Resource on, double lanes) {
    r.cycles[std::size_t(c)] = 32 / lanes;
    r.resource[std::size_t(c)] = on;
  };
  r.issue.fill(1);
  r.issue[std::size_t(Class::Move)] = 0;       // register allocation removes most
  r.issue[std::size_t(Class::Parameter)] = 0;  // operands of the constant bank
  r.issue[std::size_t(Class::Other)] = 0;
  pipe(Class::Single, Resource::Single, m.single);
  pipe(Class::Half, Resource::Single, m.half);
  pipe(Class::Integer, Resource::Integer, m.integer);
  pipe(Class::Double, Resource::Double, m.double_);
  pipe(Class::Special, Resource::Special, m.special);
  pipe(Class::Conversion, Resource::Special, m.conversion);
  pipe(Class::Exchange, Resource::Shared, m.exchange);
  for (int f = 0; f < count::kFactors; ++f)
    r.matrix[std::size_t(f)] = m.matrix_flops[std::size_t(f)] > 0 ? 1 / m.matrix_flops[std::size_t(f)] : 0;
  r.remote = m.remote_bytes > 0 ? 1 / m.remote_bytes : 0;
  const bool together = lockstep(m, s);
  const double active = active_multiprocessors(m, s);
  const double each = kSector / m.l2_bytes_each;
  r.l2 = together ? std::max(each, kSector * active * m.clock_hz / m.l2_bytes) : each;
  r.dram = together ? std::max(each, kSector * active * m.clock_hz / m.dram_bytes) : each;
  r.sharing = together ? std::ceil(double(s.blocks) / m.multiprocessors) : 1;
  r.issue_warps = std::min<double>(kSchedulers, r.sharing * s.warps);
  for (int l = 0; l < kLatencies; ++l) r.latency[std::size_t(l)] = m.latency[std::size_t(l)] * m.clock_hz;
  r.latency[std::size_t(Latency::BlockBarrier)] += m.barrier_cycles_per_warp * s.warps;
  return r;
}

void add(Work& work, const Rates& r, Class c, double times) {
  work[std::size_t(r.resource[std::size_t(c)])] += times * r.cycles[std::size_t(c)];
  at(work, Resource::Issue) += times * r.issue[std::size_t(c)] / kSchedulers;
}

void end_phase(Chain& chain, Phase& phase, const Rates& r, Latency by) {
  Work& w = phase.work;
  at(w, Resource::Issue) *= kSchedulers / r.issue_warps;
  for (double& cycles : w) cycles *= r.sharing;
  const int most = largest_of(w);
  chain.decided[std::size_t(most)] += w[std::size_t(most)];
  if (by != Latency::Launch) phase.meet(by);
  for (int l = 0; l < kLatencies; ++l)
    if (phase.met >> l & 1) chain.waited[std::size_t(l)] += r.latency[std::size_t(l)];
  ++chain.phases;
  phase = {};
}

Estimate estimate(const Machine& m, const Demand& d) {
  const Shape& s = d.shape;
  // What the machine must do in all: the multiprocessor with the most blocks, and the device's memory.
  Work all = d.work;
  const double of_one = std::ceil(double(s.blocks) / m.multiprocessors) / double(std::max<std::uint64_t>(1, s.blocks));
  for (double& cycles : all) cycles *= of_one;
  const double each = kSector / m.l2_bytes_each;
  const double footprint = d.dram_sectors * kSector;
  const double missed = footprint > m.l2_capacity ? 1 - m.l2_capacity / footprint : 0;
  const double dram = d.dram_sectors + missed * std::max(0.0, d.l2_sectors - d.dram_sectors);
  const double share = 1 / active_multiprocessors(m, s);
  at(all, Resource::L2) = d.l2_sectors * std::max(each * share, kSector * m.clock_hz / m.l2_bytes);
  at(all, Resource::Dram) = dram * std::max(each * share, kSector * m.clock_hz / m.dram_bytes);
  const int most = largest_of(all);
  // What one block after another must wait for.
  const double waves = std::ceil(double(s.blocks) / (double(m.multiprocessors) * std::max(1u, s.resident)));

  // The longest chain took every block for one that does as much; all of them together move no more than there is.
  Chain chain = d.critical;
  for (const Resource r : {Resource::L2, Resource::Dram})
    if (lockstep(m, s)) at(chain.decided, r) = std::min(at(chain.decided, r), at(all, r));

  Estimate e;
  if (all[std::size_t(most)] >= waves * chain.cycles()) {
    e.decided[std::size_t(most)] = all[std::size_t(most)] / m.clock_hz;
  } else {
    for (int k = 0; k < kResources; ++k) e.decided[std::size_t(k)] = waves * chain.decided[std::size_t(k)] / m.clock_hz;
    for (int l = 0; l < kLatencies; ++l) e.waited[std::size_t(l)] = waves * chain.waited[std::size_t(l)] / m.clock_hz;
  }
  e.waited[std::size_t(Latency::Launch)] += m.latency[std::size_t(Latency::Launch)];
  return e;
}

double Estimate::seconds() const { return sum(decided) + sum(waited); }

const char* Estimate::largest() const {
  const auto w = std::max_element(waited.begin(), waited.end());
  const int r = largest_of(decided);
  return decided[std::size_t(r)] >= *w ? name(Resource(r)) : name(Latency(w - waited.begin()));
}

Estimate& Estimate::operator+=(const Estimate& other) {
  for (int k = 0; k < kResources; ++k) decided[std::size_t(k)] += other.decided[std::size_t(k)];
  for (int l = 0; l < kLatencies; ++l) waited[std::size_t(l)] += other.waited[std::size_t(l)];
  return *this;
}

}  // namespace ptxvm::model
