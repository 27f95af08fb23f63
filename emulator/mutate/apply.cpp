// A mutation made: the module then is decoded as if it had been compiled so.
#include "mutate/mutation.hpp"

namespace ptxvm::mutate {
namespace {

void erase(ptx::Function& f, std::size_t place) {
  f.body.erase(f.body.begin() + std::ptrdiff_t(place));
  for (ptx::Label& label : f.labels)
    if (label.position > place) --label.position;
}

ptx::Operand number(std::uint64_t bits) {
  ptx::Operand o;
  o.kind = ptx::Operand::Kind::Immediate;
  o.bits = bits;
  return o;
}

}  // namespace

void apply(ptx::Module& module, const Mutation& m) {
  ptx::Function& f = module.functions.at(m.function);
  if (m.action == Mutation::Action::Remove) {
    for (std::size_t k = m.places.size(); k-- > 0;) erase(f, m.places[k]);
    return;
  }
  ptx::Instruction& i = f.body.at(m.places.at(0));
  switch (m.action) {
    case Mutation::Action::Remove: break;
    case Mutation::Action::Rename: i.opcode = {m.opcode.begin(), m.opcode.end()}; break;
    case Mutation::Action::Pass:
      i.opcode = {"mov", "pred"};
      i.operands = {i.operands.at(0), number(1)};
      break;
    case Mutation::Action::OwnAnswer: {
      // bar.red.popc.u32 d, id, {threads,} p; the other forms answer with a predicate.
      const ptx::Operand result = i.operands.at(0), own = i.operands.back();
      const bool count = i.opcode.back() == "u32";
      if (count) {
        i.opcode = {"selp", "u32"};
        i.operands = {result, number(1), number(0), own};
      } else {
        i.opcode = {"mov", "pred"};
        i.operands = {result, own};
      }
      break;
    }
  }
}

}  // namespace ptxvm::mutate
