// Where a function keeps its registers, arguments and variables.
#include <algorithm>

#include "code/decoder.hpp"

namespace ptxvm::exec {

namespace {

unsigned register_bits(ptx::Type type) {
  if (type == ptx::Type::Pred) return 1;
  return std::max(16u, 8 * ptx::size_of(type));
}

std::uint32_t round_up(std::uint64_t value, std::uint64_t to) { return std::uint32_t((value + to - 1) / to * to); }

}  // namespace

FunctionDecoder::FunctionDecoder(ModuleDecoder& module, const ptx::Function& function, int number)
    : m_(module), p_(module.program), f_(function), code_(module.program.functions[number]), number_(number) {}

void FunctionDecoder::layout() {
  code_.is_entry = f_.is_entry;
  if (f_.is_entry) {
    KernelInfo& info = code_.info;
    info.name = f_.name;
    std::uint32_t offset = 0;
    for (const ptx::Variable& v : f_.parameters) {
      offset = round_up(offset, std::max(1u, v.align));
      entry_parameters_[v.name] = offset;
      info.parameters.push_back({offset, std::uint32_t(v.size)});
      offset += std::uint32_t(v.size);
    }
    info.parameter_bytes = offset;
    info.ptx_version = m_.module.version_major * 10 + m_.module.version_minor;
    info.target = m_.module.target;
    unsigned most = 1;
    bool any = false;
    for (unsigned n : f_.max_threads) if (n) most *= n, any = true;
    for (unsigned n : f_.required_threads) if (n) any = true;
    if (f_.required_threads[0]) {
      most = 1;
      for (unsigned n : f_.required_threads) most *= std::max(1u, n);
    }
    if (any) info.max_threads = most;
    for (int k = 0; k < 3; ++k) info.required_cluster[k] = f_.required_cluster[k];
    info.max_cluster = f_.max_cluster_rank;
  } else {
    frame_ = kFrameHeader;
    auto area = [&](const std::vector<ptx::Variable>& list) {
      std::uint32_t stride = 0;
      std::vector<std::uint32_t> offsets;
      for (const ptx::Variable& v : list) {
        if (v.space != ptx::Space::Param)
          throw Error(Status::InvalidPtx, "function " + f_.name + ": parameters in registers are not supported");
        stride = round_up(stride, std::max(1u, v.align));
        offsets.push_back(stride);
        stride += std::uint32_t(v.size);
      }
      stride = round_up(stride, 16);
      for (std::size_t k = 0; k < list.size(); ++k) arguments_[list[k].name] = {frame_ + offsets[k], stride};
      frame_ += 32 * stride;
      return stride;
    };
    code_.result_stride = area(f_.results);
    code_.parameter_stride = area(f_.parameters);
  }
  for (const ptx::Register& r : f_.registers) register_.push_back(allocate(register_bits(r.type)));
  place_variables();
  find_wanted();
}

// The compiler widens loads over bytes that it does not use; their registers are named once, as destinations.
void FunctionDecoder::find_wanted() {
  wanted_.assign(f_.registers.size(), false);
  struct {
    std::vector<bool>& wanted;
    void operator()(const Operand& o) {
      if (o.reg >= 0) wanted[std::size_t(o.reg)] = true;
      for (const Operand& part : o.parts) (*this)(part);
    }
  } want{wanted_};
  for (const Instruction& i : f_.body) {
    if (i.guard >= 0) wanted_[std::size_t(i.guard)] = true;
    for (std::size_t k = i.opcode[0] == "ld" ? 1 : 0; k < i.operands.size(); ++k) want(i.operands[k]);
  }
}

void FunctionDecoder::place_variables() {
  std::uint32_t local = 0;
  bool touches_module_shared = false;
  for (const Instruction& i : f_.body)
    for (const Operand& o : i.operands)
      if (auto place = m_.places.find(o.symbol); place != m_.places.end() && place->second.space == ptx::Space::Shared)
        touches_module_shared = true;
  code_.uses_module_shared = touches_module_shared || p_.module_shared > 0;
  std::uint32_t shared = code_.uses_module_shared ? p_.module_shared : 0;
  for (const ptx::Variable& v : f_.variables) {
    const std::uint32_t align = std::max(1u, v.align);
    switch (v.space) {
      case ptx::Space::Local:
        local = round_up(local, align);
        places_[v.name] = {ptx::Space::Local, local, true};
        local += std::uint32_t(v.size);
        break;
      case ptx::Space::Shared:
        if (v.is_extern && v.size == 0) break;
        if (!f_.is_entry) throw Error(Status::InvalidPtx, "function " + f_.name + " declares .shared " + v.name);
        shared = round_up(shared, align);
        places_[v.name] = {ptx::Space::Shared, shared, false};
        shared += std::uint32_t(v.size);
        break;
      case ptx::Space::Param: {
        const std::uint32_t stride = round_up(std::max<std::uint64_t>(v.size, 1), 16);
        frame_ = round_up(frame_, 64);
        arguments_[v.name] = {frame_, stride};
        frame_ += 32 * stride;
        break;
      }
      default:
        throw Error(Status::InvalidPtx, "function " + f_.name + ": variable " + v.name + " in an unexpected space");
    }
  }
  code_.own_shared = shared;
  code_.local_bytes = round_up(local, 16);
  // Dynamic shared memory begins behind the static part; every unsized extern array is that one place.
  const std::uint32_t dynamic = round_up(shared, 16);
  for (const ptx::Variable& v : f_.variables)
    if (v.space == ptx::Space::Shared && v.is_extern && v.size == 0) places_[v.name] = {ptx::Space::Shared, dynamic, false};
  for (const ptx::Variable& v : m_.module.variables)
    if (v.space == ptx::Space::Shared && v.is_extern && v.size == 0) places_[v.name] = {ptx::Space::Shared, dynamic, false};
}

unsigned FunctionDecoder::width(const Operand& operand) const {
  return register_bits(f_.registers.at(std::size_t(operand.reg)).type);
}

Ref FunctionDecoder::allocate(unsigned width) {
  frame_ = round_up(frame_, 64);
  const Ref at = frame_;
  frame_ += width == 1 ? 64 : 4 * width;
  return at;
}

// Temporaries live for one PTX instruction.
Ref FunctionDecoder::temporary(unsigned width) {
  auto& free = free_temporaries_[width];
  Ref at;
  if (free.empty()) {
    at = allocate(width);
  } else {
    at = free.back();
    free.pop_back();
  }
  used_temporaries_[width].push_back(at);
  return at;
}

}  // namespace ptxvm::exec
