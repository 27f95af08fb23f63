#include "exec/standing.hpp"

#include <map>

#include "code/program.hpp"
#include "exec/cluster.hpp"
#include "exec/schedule.hpp"
#include "support/format.hpp"

namespace ptxvm::exec {
namespace {

std::string line_of(const Image& image, std::uint32_t pc) {
  const DecodedProgram& program = *image.program;
  // Helper instructions have no line of their own: that of the next which has one.
  while (pc + 1 < program.lines.size() && program.lines[pc].ptx == 0) ++pc;
  const LineInfo& line = program.lines[pc];
  const std::string source = program.source(line);
  return "PTX line " + std::to_string(line.ptx) + (source.empty() ? "" : " (" + source + ")");
}

std::string lanes(std::uint32_t mask, std::uint32_t alive) {
  return mask == alive ? "" : format("lanes 0x%08x ", mask);
}

std::string standing(const Warp& w) {
  const Image& image = *w.block->image;
  std::string text;
  const auto add = [&text](const std::string& more) { text += (text.empty() ? "" : ", ") + more; };
  if (w.active) add(lanes(w.active, w.alive) + "at " + line_of(image, w.pc));
  for (std::uint32_t k = 0; k < w.parked_count; ++k) {
    const Group& g = w.parked[k];
    const std::string who = lanes(g.mask, w.alive);
    switch (g.state) {
      case Group::State::Runnable: add(who + "at " + line_of(image, g.pc)); break;
      case Group::State::Barrier: {
        const Barrier& b = w.block->barriers[g.barrier];
        add(who + format("waiting at barrier %u, to which %u of %u threads have come, ", g.barrier, b.arrived,
                         b.expected ? b.expected : w.block->alive) +
            line_of(image, g.pc - 1));
        break;
      }
      case Group::State::Collective: add(who + "waiting for lanes of their member mask at " + line_of(image, g.pc)); break;
      case Group::State::ClusterWait: {
        const Cluster& cluster = *w.block->cluster;
        add(who + format("waiting at the cluster's barrier, to which %u of %u threads have come, ", cluster.arrived.load(), cluster.threads.load()) +
            line_of(image, g.pc));
        break;
      }
      case Group::State::PhaseWait:
        add(who + "waiting at " + line_of(image, g.pc) + " at the " + describe_suspended(w.block->warps[w.index], g));
        break;
    }
  }
  return text;
}

// Warps that stand alike are one entry.
std::string standing(const Block& block) {
  std::string text, last;
  std::uint32_t first = 0;
  const auto close = [&](std::uint32_t end) {
    if (last.empty()) return;
    const std::string who = end - first == 1 ? format("warp %u ", first) : format("warps %u to %u ", first, end - 1);
    text += (text.empty() ? "" : "; ") + who + last;
  };
  for (std::uint32_t k = 0; k < block.warp_count; ++k) {
    const Warp& w = block.warps[k];
    const std::string now = w.alive ? standing(w) : "";
    if (now == last) continue;
    close(k);
    last = now;
    first = k;
  }
  close(block.warp_count);
  return text;
}

}  // namespace

std::string describe_suspended(Warp& w, const Group& g) {
  char* const frame = w.base[0];
  w.base[0] = w.registers + g.frame;
  std::string text = describe_wait(w, w.block->image->code[g.pc], unsigned(__builtin_ctz(g.mask)));
  w.base[0] = frame;
  return text;
}

std::string where_blocks_stand(const std::vector<Block*>& blocks) {
  std::map<std::string, std::pair<std::size_t, const Block*>> alike;
  for (const Block* b : blocks) {
    auto& [count, first] = alike[standing(*b)];
    if (count++ == 0 || b->linear < first->linear) first = b;
  }
  std::string text;
  for (const auto& [where, who] : alike) {
    const Block& b = *who.second;
    text += format("\n  block (%u,%u,%u)", b.id[0], b.id[1], b.id[2]);
    if (who.first > 1) text += format(" and %zu that stand alike", who.first - 1);
    text += ": " + where;
  }
  return text;
}

}  // namespace ptxvm::exec
