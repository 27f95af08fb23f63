#include "runtime/images.hpp"

#include <cstdint>
#include <string>

#include "image/cubin.hpp"
#include "image/fatbin.hpp"
#include "ptx/ast.hpp"
#include "runtime/errors.hpp"

namespace ptxvm::runtime {
namespace {

// What __cudaRegisterFatBinary is given.
struct Wrapper {
  std::uint32_t magic;
  std::uint32_t version;
  const void* data;
  const void* others;
};
constexpr std::uint32_t wrapper_magic = 0x466243b1;

std::string name_of(const ptx::Module& module) {
  return module.files.size() > 1 ? module.files[1] : "module";
}

}  // namespace

std::shared_ptr<exec::Program> load_program(const void* data, int target) {
  const auto* wrapper = static_cast<const Wrapper*>(data);
  if (wrapper == nullptr || wrapper->magic != wrapper_magic)
    refuse(cudaErrorInvalidKernelImage, "what the program registered is no fat binary");
  const std::vector<image::Image> images = image::read_fatbin(wrapper->data);
  const image::Image* code = image::select_ptx(images, target);
  if (code == nullptr) {
    std::string held;
    for (const image::Image& i : images)
      held += (i.kind == image::Image::Kind::Ptx ? " compute_" : " sm_") + std::to_string(i.arch);
    refuse(cudaErrorNoKernelImageForDevice,
           "no PTX for sm_" + std::to_string(target) +
               "; the fat binary holds:" + (held.empty() ? " nothing" : held) +
               " (machine code alone, as -rdc=true leaves it, cannot be run)");
  }
  const ptx::Module module = ptx::parse(code->bytes);
  std::shared_ptr<exec::Program> program = exec::Program::load(module, name_of(module));
  if (const image::Image* machine_code = image::select_cubin(images, target)) {
    for (const auto& [kernel, registers] : image::registers_per_thread(machine_code->bytes))
      if (program->kernel(kernel) != nullptr)
        program->set_registers(kernel, static_cast<std::uint32_t>(registers));
  }
  return program;
}

}  // namespace ptxvm::runtime
