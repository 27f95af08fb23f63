// A function's instructions in order, its labels, and the operands that handlers read and write.
#include <algorithm>
#include <stdexcept>

#include "code/decoder.hpp"
#include "exec/strict.hpp"
#include "support/settings.hpp"

namespace ptxvm::exec {

using ptx::Operand;

void FunctionDecoder::refuse(const std::string& why) const {
  std::string where = f_.name;
  if (now_) where += ", PTX line " + std::to_string(now_->line);
  throw Error(Status::InvalidPtx, where + ": " + why + (now_ ? ": " + text() : ""));
}

std::string FunctionDecoder::text() const { return dotted(now_->opcode); }

void FunctionDecoder::decode() {
  layout();
  code_.begin = std::uint32_t(p_.code.size());
  std::unordered_multimap<std::size_t, std::string> labels;
  for (const ptx::Label& l : f_.labels) labels.emplace(l.position, l.name);
  join();
  for (std::size_t k = 0; k <= f_.body.size(); ++k) {
    auto [first, last] = labels.equal_range(k);
    if (first != last || pending_join_) {
      const std::uint32_t pc = std::uint32_t(p_.code.size());
      for (; first != last; ++first) label_pc_[first->second] = pc;
      pending_join_ = false;
      join();
    }
    if (k == f_.body.size()) break;
    now_ = &f_.body[k];
    for (auto& [width, used] : used_temporaries_) {
      auto& free = free_temporaries_[width];
      free.insert(free.end(), used.begin(), used.end());
      used.clear();
    }
    counted_ = count::traits(now_->opcode);
    for (const Operand& o : now_->operands)
      if (o.kind == Operand::Kind::Special && count::tells_time(o.symbol)) counted_.repeats = false;
    p_.blocks.back().add(counted_);
    first_ = true;
    instruction(*now_);
  }
  now_ = nullptr;
  Inst end;  // falling off the end returns
  end.flow = code_.is_entry ? Flow::Exit : Flow::Return;
  emit(end);
  for (auto& [at, label] : branches_) {
    auto target = label_pc_.find(label);
    if (target == label_pc_.end()) refuse("branch to unknown label " + label);
    p_.code[at].imm = target->second;
  }
  for (auto& [at, name] : tables_) {
    auto table = std::find_if(f_.branch_tables.begin(), f_.branch_tables.end(),
                              [&wanted = name](auto& t) { return t.name == wanted; });
    if (table == f_.branch_tables.end()) refuse("unknown branch table " + name);
    std::vector<std::uint32_t> targets;
    for (const std::string& label : table->targets) targets.push_back(label_pc_.at(label));
    p_.code[at].imm = p_.branch_tables.size();
    p_.branch_tables.push_back(std::move(targets));
  }
  code_.end = std::uint32_t(p_.code.size());
  code_.frame_bytes = (frame_ + 63) & ~63u;
}

void FunctionDecoder::join() {
  Inst leader;
  leader.flow = Flow::Join;
  leader.imm = p_.blocks.size();
  p_.blocks.push_back({std::uint32_t(p_.code.size()), 0});
  const Instruction* keep = now_;
  now_ = nullptr;
  emit(leader);
  now_ = keep;
}

Inst& FunctionDecoder::emit(Inst inst) {
  LineInfo line;
  if (now_) {
    if (now_->guard >= 0) {
      inst.guard = register_[std::size_t(now_->guard)];
      inst.guard_negated = now_->guard_negated;
    }
    line = {now_->line, now_->source_file, now_->source_line, now_->inlined_file, now_->inlined_line};
  }
  std::uint32_t guard = 0;
  // Of an instruction that takes several steps, the first counts the lanes that are switched off.
  if (inst.guard != kNone && inst.flow != Flow::Branch && first_) {
    p_.guarded.push_back(counted_);
    guard = std::uint32_t(p_.guarded.size());
  }
  first_ = false;
  if (now_ && count::touches_memory(counted_.cls)) p_.memory_text[std::uint32_t(p_.code.size())] = text();
  p_.guard_of.push_back(guard);
  p_.code.push_back(inst);
  p_.lines.push_back(line);
  return p_.code.back();
}

Inst& FunctionDecoder::emit(const char* name, std::initializer_list<Ref> operands) {
  const Op* op = find_op(name);
  if (!op) refuse(std::string("no handler ") + name);
  Inst inst;
  inst.full = op->full;
  inst.masked = op->masked;
  int n = 0;
  for (Ref r : operands) inst.op[n++] = r;
  return emit(inst);
}

bool FunctionDecoder::symbol_value(const Operand& o, std::uint64_t* value, bool* per_frame) const {
  *per_frame = false;
  auto place = places_.find(o.symbol);
  if (place == places_.end()) {
    place = m_.places.find(o.symbol);
    if (place == m_.places.end()) {
      if (auto parameter = entry_parameters_.find(o.symbol); parameter != entry_parameters_.end()) {
        *value = parameter->second + std::uint64_t(o.offset);
        return true;
      }
      if (auto function = p_.function_index.find(o.symbol); function != p_.function_index.end()) {
        *value = kFunctionBase + 16 * std::uint64_t(function->second);
        return true;
      }
      return false;
    }
  }
  *value = place->second.offset + std::uint64_t(o.offset);
  *per_frame = place->second.per_frame;
  return true;
}

Handler FunctionDecoder::special(const std::string& symbol, unsigned bits) {
  if (symbol.rfind("%reserved_smem", 0) == 0) p_.system_shared = true;
  return special_register(symbol, bits);
}

Ref FunctionDecoder::source(const Operand& o, unsigned bits) {
  switch (o.kind) {
    case Operand::Kind::Register: {
      Ref r = register_.at(std::size_t(o.reg));
      const unsigned have = width(o);
      if (have != bits) refuse("register " + f_.registers[std::size_t(o.reg)].name + " has " + std::to_string(have) +
                               " bits where " + std::to_string(bits) + " are read");
      if (!o.negated) return r;
      Ref t = temporary(1);
      emit("not.pred", {t, r});
      return t;
    }
    case Operand::Kind::Immediate:
      if (bits > 64) refuse("no literal has 128 bits");
      if (o.literal == Operand::Literal::F64 && bits == 32) {  // a decimal literal in an fp32 instruction
        double d;
        std::uint64_t b = o.bits;
        static_assert(sizeof d == sizeof b);
        __builtin_memcpy(&d, &b, 8);
        float f = float(d);
        std::uint32_t w;
        __builtin_memcpy(&w, &f, 4);
        return m_.constant(32, w);
      }
      return m_.constant(bits, o.bits);
    case Operand::Kind::Special: {
      if (o.symbol == "WARP_SZ") return m_.constant(bits, 32);
      Ref t = temporary(bits);
      Inst inst;
      inst.full = inst.masked = special(o.symbol, bits);
      if (!inst.full) refuse("unknown special register " + o.symbol);
      inst.op[0] = t;
      emit(inst);
      return t;
    }
    case Operand::Kind::Symbol: {
      std::uint64_t value;
      bool per_frame;
      if (!symbol_value(o, &value, &per_frame)) refuse("unknown symbol " + o.symbol);
      if (!per_frame) return m_.constant(bits, value);
      Ref t = temporary(bits);
      Inst inst;
      inst.full = inst.masked = local_address(bits);
      inst.op[0] = t;
      inst.imm = value;
      emit(inst);
      return t;
    }
    default:
      refuse("an operand has a form that is not known here");
  }
}

Ref FunctionDecoder::destination(const Operand& o, unsigned bits) {
  if (o.kind == Operand::Kind::Sink) return temporary(bits);
  if (o.kind != Operand::Kind::Register || o.negated) refuse("the destination is no register");
  if (width(o) != bits) refuse("register " + f_.registers[std::size_t(o.reg)].name + " has " + std::to_string(width(o)) +
                               " bits where " + std::to_string(bits) + " are written");
  return register_[std::size_t(o.reg)];
}

void FunctionDecoder::instruction(const Instruction& i) try {
  if (strict().split) liberty(kMayPart);
  if (video(i)) return;
  refuse_parts(i);
  if (asynchronous(i) || control(i) || special_form(i) || matrix(i)) return;
  table_op(i);
} catch (const std::out_of_range&) {  // of ptx::CheckedList
  refuse("an operand or a part of the instruction's name is missing");
}

}  // namespace ptxvm::exec
