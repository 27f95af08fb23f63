// Module scope: variables placed and initialised, functions numbered, decoded and added up.
#include <algorithm>
#include <cstring>
#include <functional>

#include "code/decoder.hpp"

namespace ptxvm::exec {

std::shared_ptr<Program> Program::load(const ptx::Module& module, std::string name) {
  auto program = std::make_shared<DecodedProgram>();
  program->name = std::move(name);
  ModuleDecoder(module, *program).decode();
  return program;
}

DecodedProgram::~DecodedProgram() {
  for (auto& [name, allocation] : variables) memory::AddressSpace::instance().release(allocation.base);
}

std::vector<std::string> DecodedProgram::kernels() const {
  std::vector<std::string> names;
  for (const FunctionCode& f : functions)
    if (f.is_entry) names.push_back(f.name);
  return names;
}

const KernelInfo* DecodedProgram::kernel(std::string_view kernel_name) const {
  auto found = function_index.find(std::string(kernel_name));
  if (found == function_index.end() || !functions[found->second].is_entry) return nullptr;
  return &functions[found->second].info;
}

void DecodedProgram::set_registers(std::string_view kernel_name, std::uint32_t registers) {
  auto found = function_index.find(std::string(kernel_name));
  if (found != function_index.end()) functions[found->second].info.registers = registers;
}

bool DecodedProgram::variable(std::string_view variable_name, memory::Address* address, std::uint64_t* size) const {
  auto found = variables.find(std::string(variable_name));
  if (found == variables.end()) return false;
  *address = found->second.base;
  *size = variable_size.at(found->first);
  return true;
}

std::string DecodedProgram::refusal(std::string_view function) const {
  auto found = function_index.find(std::string(function));
  return found == function_index.end() ? "" : functions[std::size_t(found->second)].refusal;
}

void DecodedProgram::watch(std::function<void(int line)> told) {
  told_ = std::move(told);
  told_of_.assign(blocks.size(), false);
}

void DecodedProgram::note_executed(const std::vector<std::uint64_t>& executions) const {
  if (!told_) return;
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    if (executions[b] == 0 || told_of_[b]) continue;
    told_of_[b] = true;
    const std::size_t end = b + 1 < blocks.size() ? blocks[b + 1].begin : lines.size();
    for (std::size_t k = blocks[b].begin; k < end; ++k)
      if (lines[k].ptx != 0 && (k == blocks[b].begin || lines[k].ptx != lines[k - 1].ptx)) told_(lines[k].ptx);
  }
}

const FunctionCode& DecodedProgram::function_at(std::uint32_t pc) const {
  for (const FunctionCode& f : functions)
    if (pc >= f.begin && pc < f.end) return f;
  return functions.front();
}

std::string DecodedProgram::source(const LineInfo& line) const {
  const auto place = [this](int file, int number) {
    return file > 0 && std::size_t(file) < files.size() ? files[std::size_t(file)] + ":" + std::to_string(number) : "";
  };
  const std::string own = place(line.source_file, line.source), user = place(line.inlined_file, line.inlined);
  return own.empty() || user.empty() ? own : own + ", inlined at " + user;
}

void ModuleDecoder::decode() {
  program.files = module.files;
  for (const ptx::Function& f : module.functions) {
    auto [slot, fresh] = program.function_index.try_emplace(f.name, int(program.functions.size()));
    if (fresh) {
      program.functions.emplace_back();
      program.functions.back().name = f.name;
    }
  }
  place_variables();
  initialise_variables();
  for (const ptx::Function& f : module.functions)
    if (f.has_body) decode_function(f);
  finish_functions();

  // Constants were collected in growing storage; align them now that their number is known.
  std::vector<char> aligned(program.constant_storage.size() + 64);
  auto start = (reinterpret_cast<std::uintptr_t>(aligned.data()) + 63) & ~std::uintptr_t{63};
  program.constants = reinterpret_cast<char*>(start);
  std::copy(program.constant_storage.begin(), program.constant_storage.end(), program.constants);
  program.constant_storage = std::move(aligned);
}

// A function that cannot be decoded is refused when it is launched; the module's other kernels run.
void ModuleDecoder::decode_function(const ptx::Function& f) {
  const int number = program.function_index.at(f.name);
  const std::size_t code = program.code.size(), blocks = program.blocks.size(), calls = program.calls.size();
  try {
    FunctionDecoder(*this, f, number).decode();
  } catch (const Error& e) {
    program.code.resize(code);
    program.lines.resize(code);
    program.guard_of.resize(code);
    program.blocks.resize(blocks);
    program.calls.resize(calls);
    FunctionCode& function = program.functions[std::size_t(number)];
    function.begin = function.end = std::uint32_t(code);
    function.refusal = e.what();
    function.refusal_status = e.status();
  }
}

Ref ModuleDecoder::constant(unsigned width, std::uint64_t bits) {
  if (width < 64) bits &= (std::uint64_t{1} << width) - 1;
  auto [slot, fresh] = constants_.try_emplace({width, bits}, 0);
  if (fresh) {
    const std::size_t offset = program.constant_storage.size();
    const unsigned bytes = width == 1 ? 4 : width / 8;
    program.constant_storage.resize(offset + (width == 1 ? 64 : 32 * bytes));
    char* at = program.constant_storage.data() + offset;
    if (width == 1) bits = bits ? 0xffffffffu : 0;
    for (int i = 0; i < (width == 1 ? 1 : 32); ++i) std::memcpy(at + i * bytes, &bits, bytes);
    slot->second = Ref(offset) | kConstant;
  }
  return slot->second;
}

void ModuleDecoder::place_variables() {
  std::uint32_t shared = 0;
  for (const ptx::Variable& v : module.variables) {
    if (v.space == ptx::Space::Shared) {
      if (v.is_extern && v.size == 0) continue;  // dynamic shared memory: its offset is the kernel's
      shared = (shared + v.align - 1) / v.align * v.align;
      places[v.name] = {ptx::Space::Shared, shared, false};
      shared += std::uint32_t(v.size);
    } else if (v.space == ptx::Space::Global || v.space == ptx::Space::Constant) {
      if (v.is_extern)
        throw Error(Status::InvalidPtx, "variable " + v.name + " is extern: relocatable device code is not linked");
      auto allocation = memory::AddressSpace::instance().allocate(std::max<std::uint64_t>(v.size, 1),
                                                                  memory::Kind::ModuleVariable, v.name,
                                                                  v.space == ptx::Space::Constant);
      if (!allocation) throw Error(Status::OutOfMemory, "no device memory for variable " + v.name);
      program.variables[v.name] = *allocation;
      program.variable_size[v.name] = v.size;
      places[v.name] = {v.space, allocation->base, false};
    }
  }
  program.module_shared = shared;
}

void ModuleDecoder::initialise_variables() {
  for (const ptx::Variable& v : module.variables) {
    auto found = program.variables.find(v.name);
    if (found == program.variables.end()) continue;
    char* host = reinterpret_cast<char*>(found->second.base + found->second.delta);
    std::memset(host, 0, v.size);
    std::copy_n(v.initial.data(), std::min<std::size_t>(v.initial.size(), v.size), host);
    for (const ptx::Variable::Reference& r : v.references) {
      std::uint64_t value = 0;
      if (auto place = places.find(r.symbol); place != places.end()) {
        value = place->second.offset;
        if (r.generic && place->second.space == ptx::Space::Shared)
          value += memory::AddressSpace::instance().windows().shared;
      } else if (auto function = program.function_index.find(r.symbol); function != program.function_index.end()) {
        value = kFunctionBase + 16 * std::uint64_t(function->second);
      } else {
        throw Error(Status::InvalidPtx, "initialiser of " + v.name + " names unknown symbol " + r.symbol);
      }
      value += std::uint64_t(r.addend);
      if (r.offset + 8 > v.size) throw Error(Status::InvalidPtx, "initialiser of " + v.name + " is longer than it");
      std::memcpy(host + r.offset, &value, 8);
    }
  }
}

// Frames of callees follow the caller's; recursion gets a fixed depth, checked when it is used.
void ModuleDecoder::finish_functions() {
  constexpr std::uint32_t kRecursiveDepth = 24;
  std::uint32_t largest_frame = 0, largest_local = 0;
  for (const FunctionCode& f : program.functions) {
    largest_frame = std::max(largest_frame, f.frame_bytes);
    largest_local = std::max(largest_local, f.local_bytes);
  }
  for (FunctionCode& f : program.functions) {
    if (!f.is_entry) continue;
    std::vector<bool> on_path(program.functions.size());
    bool deep = false;
    std::function<std::pair<std::uint32_t, std::uint32_t>(int)> below = [&](int number) {
      const FunctionCode& g = program.functions[number];
      std::pair<std::uint32_t, std::uint32_t> most{0, 0};
      if (on_path[number]) {
        deep = true;
        return most;
      }
      on_path[number] = true;
      if (g.calls_unknown) deep = true;
      if (g.uses_module_shared) f.uses_module_shared = true;
      if (f.refusal.empty() && !g.refusal.empty()) f.refusal = g.refusal, f.refusal_status = g.refusal_status;
      for (int callee : g.callees) {
        auto inner = below(callee);
        most = {std::max(most.first, inner.first), std::max(most.second, inner.second)};
      }
      on_path[number] = false;
      return std::pair<std::uint32_t, std::uint32_t>{most.first + g.frame_bytes, most.second + g.local_bytes};
    };
    auto [frame, local] = below(program.function_index.at(f.name));
    if (deep) frame += kRecursiveDepth * largest_frame, local += kRecursiveDepth * largest_local;
    f.total_frame = frame;
    f.total_local = (local + 15) & ~15u;
    f.info.local_bytes = f.total_local;
    f.info.static_shared = f.own_shared;
  }
}

}  // namespace ptxvm::exec
