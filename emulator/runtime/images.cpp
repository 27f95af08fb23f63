#include "runtime/images.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

#include "image/cubin.hpp"
#include "image/fatbin.hpp"
#include "mutate/session.hpp"
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
constexpr std::uint32_t wrapper_magic = 0x466243b1, fatbin_magic = 0xba55ed50, elf_magic = 0x464c457f;

std::string name_of(const ptx::Module& module) {
  return module.files.size() > 1 ? module.files[1] : "module";
}

std::shared_ptr<exec::Program> load_text(const std::string& text) {
  ptx::Module module = ptx::parse(text);
  const mutate::Session mutation(text, module);
  std::shared_ptr<exec::Program> program = exec::Program::load(module, name_of(module));
  mutation.loaded(*program);
  return program;
}

std::shared_ptr<exec::Program> load_images(const std::vector<image::Image>& images, int target) {
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
  std::shared_ptr<exec::Program> program = load_text(code->bytes);
  if (const image::Image* machine_code = image::select_cubin(images, target)) {
    for (const auto& [kernel, registers] : image::registers_per_thread(machine_code->bytes))
      if (program->kernel(kernel) != nullptr)
        program->set_registers(kernel, static_cast<std::uint32_t>(registers));
  }
  return program;
}

}  // namespace

std::shared_ptr<exec::Program> load_program(const void* data, int target) {
  const auto* wrapper = static_cast<const Wrapper*>(data);
  if (wrapper == nullptr || wrapper->magic != wrapper_magic)
    refuse(cudaErrorInvalidKernelImage, "what the program registered is no fat binary");
  return load_images(image::read_fatbin(wrapper->data), target);
}

std::shared_ptr<exec::Program> load_library(const void* data, const std::size_t* size, int target) {
  std::uint32_t magic = 0;
  const std::size_t known = size == nullptr ? sizeof magic : *size;
  // Text may be shorter than four bytes, and then its zero comes first.
  std::memcpy(&magic, data,
              size == nullptr ? strnlen(static_cast<const char*>(data), sizeof magic)
                              : std::min(known, sizeof magic));
  if (magic == wrapper_magic && size == nullptr) return load_program(data, target);
  if (magic == fatbin_magic)
    return load_images(size == nullptr ? image::read_fatbin(data) : image::read_fatbin(data, *size), target);
  if (magic == elf_magic)
    refuse(cudaErrorNoKernelImageForDevice, "the library is machine code alone, which cannot be run");
  const auto* text = static_cast<const char*>(data);
  return load_text(std::string(text, size == nullptr ? std::strlen(text) : *size));
}

}  // namespace ptxvm::runtime
