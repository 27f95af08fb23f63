#include "machine.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "check/level.hpp"
#include "check/operations.hpp"
#include "forms.hpp"
#include "ptx/ast.hpp"
#include "support/error.hpp"

namespace instruction_test {

using ptxvm::memory::AddressSpace;

namespace {

// What was executed without a fault, written at the end to the file that PTXVM_RECORD_FORMS names.
class Record {
 public:
  ~Record() {
    if (const char* file = std::getenv("PTXVM_RECORD_FORMS")) {
      std::ofstream out(file);
      for (const std::string& form : forms_) out << form << "\n";
    }
  }
  void add(const ptxvm::ptx::Module& module) { forms_.merge(forms_of(module)); }

 private:
  Forms forms_;
};

Record& record() {
  static Record r;
  return r;
}

}  // namespace

Buffer::Buffer(std::size_t bytes)
    : allocation_(*AddressSpace::instance().allocate(bytes == 0 ? 1 : bytes, ptxvm::memory::Kind::Device)) {
  // Its bytes are written behind the runtime's back.
  if (ptxvm::check::level() == ptxvm::check::Level::Full)
    ptxvm::check::Operations::instance().range_written(allocation_.base, allocation_.size);
}

Buffer::~Buffer() { AddressSpace::instance().release(allocation_.base); }

void* Buffer::host() const {
  return reinterpret_cast<void*>(allocation_.base + static_cast<u64>(allocation_.delta));
}

std::string module_text(const std::string& text) {
  return ".version 8.6\n.target sm_90\n.address_size 64\n" + text;
}

std::string kernel_text(unsigned parameters, const std::string& body, const std::string& before) {
  std::string text = before + "\n.visible .entry k(";
  for (unsigned p = 0; p < parameters; p++)
    text += (p ? ", .param .u64 p" : ".param .u64 p") + std::to_string(p);
  text += ")\n{\n.reg .b32 %i, %threads, %block;\n.reg .b64 %j, %at;\n";
  for (unsigned p = 0; p < parameters; p++) text += ".reg .b64 %q" + std::to_string(p) + ";\n";
  text +=
      "mov.u32 %i, %tid.x;\nmov.u32 %threads, %ntid.x;\nmov.u32 %block, %ctaid.x;\n"
      "mad.lo.u32 %i, %block, %threads, %i;\ncvt.u64.u32 %j, %i;\n";
  for (unsigned p = 0; p < parameters; p++) {
    const std::string n = std::to_string(p);
    text += "ld.param.u64 %q" + n + ", [p" + n + "];\n";
  }
  return module_text(text + body + "\nret;\n}\n");
}

namespace {

// Launches one after the other, as a stream has them.
void next_operation() {
  using ptxvm::check::Operations;
  constexpr u64 stream = u64{1} << 62;
  static u64 count = 0;
  if (ptxvm::check::level() != ptxvm::check::Level::Full) return;
  Operations::instance().begin(stream, count + 1, 0, ptxvm::check::extended(nullptr, stream, count), "a launch");
  count++;
}

}  // namespace

void run(const std::string& text, const Shape& shape, const std::vector<u64>& parameters) {
  const auto module = ptxvm::ptx::parse(text);
  const auto program = ptxvm::exec::Program::load(module, "test");
  ptxvm::exec::Request request;
  request.program = program;
  request.kernel = "k";
  request.grid = shape.grid;
  request.block = shape.block;
  request.dynamic_shared = shape.dynamic_shared;
  request.cluster = shape.cluster;
  request.explicit_cluster = shape.explicit_cluster || shape.cluster.count() > 1;
  const auto* info = program->kernel("k");
  if (info == nullptr) throw ptxvm::Error(ptxvm::Status::InvalidDeviceFunction, "no entry k");
  request.parameters.resize(info->parameter_bytes);
  std::size_t next = 0;
  for (const auto& parameter : info->parameters)
    for (u32 at = 0; at < parameter.size; at += sizeof(u64))
      std::memcpy(request.parameters.data() + parameter.offset + at, &parameters.at(next++),
                  std::min<std::size_t>(sizeof(u64), parameter.size - at));
  next_operation();
  ptxvm::exec::run(request, {});
  record().add(module);
}

Fault fault_of(const std::string& text, const Shape& shape, const std::vector<u64>& parameters) {
  try {
    run(text, shape, parameters);
  } catch (const ptxvm::Error& error) {
    return {error.what(), static_cast<int>(error.status())};
  }
  return {};
}

std::vector<u32> values(const std::string& body, const Shape& shape, const std::string& before,
                        const std::vector<u64>& more) {
  const std::size_t threads = shape.grid.count() * shape.block.count();
  const Buffer out(threads * 4);
  std::vector<u64> parameters{out.address()};
  parameters.insert(parameters.end(), more.begin(), more.end());
  const std::string text =
      ".reg .b64 %out;\n.reg .b32 %d;\nmad.wide.u32 %out, %i, 4, %q0;\nmov.u32 %d, 0;\n" + body +
      "\nst.global.b32 [%out], %d;\n";
  run(kernel_text(static_cast<unsigned>(parameters.size()), text, before), shape, parameters);
  return out.read<u32>(threads);
}

}  // namespace instruction_test
