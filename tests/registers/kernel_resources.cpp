#include "kernel_resources.hpp"

#include <cxxabi.h>
#include <elf.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "image/cubin.hpp"
#include "image/fatbin.hpp"

namespace recur::test {
namespace {

using ptxvm::image::Image;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw std::runtime_error("cannot read " + path);
  return text.str();
}

// The members of an archive as GNU ar writes it: a header of 60 characters each, names over 15 characters in
// a member of their own named "//".
std::vector<std::pair<std::string, std::string_view>> members_of(std::string_view archive) {
  constexpr std::string_view magic = "!<arch>\n";
  if (archive.substr(0, magic.size()) != magic) throw std::runtime_error("this is no static library");
  std::vector<std::pair<std::string, std::string_view>> members;
  std::string_view long_names;
  for (size_t at = magic.size(); at + 60 <= archive.size();) {
    std::string name(archive.substr(at, 16));
    const size_t size = std::stoul(std::string(archive.substr(at + 48, 10)));
    const std::string_view content = archive.substr(at + 60, size);
    if (name.rfind("// ", 0) == 0) {
      long_names = content;
    } else {
      const bool is_long = name[0] == '/' && name[1] >= '0' && name[1] <= '9';
      if (is_long) name = long_names.substr(std::stoul(name.substr(1)));
      members.emplace_back(name.substr(0, name.find('/')), content);
    }
    at += 60 + size + size % 2;
  }
  return members;
}

// Fat binaries lie in an object as they were made: each begins with its magic number and version.
std::vector<Image> images_of(std::string_view object) {
  constexpr char magic[] = {0x50, '\xED', 0x55, '\xBA', 1, 0};
  std::vector<Image> images;
  for (size_t at = 0; (at = object.find(std::string_view(magic, sizeof magic), at)) != std::string_view::npos;
       ++at) {
    for (Image& image : ptxvm::image::read_fatbin(object.data() + at, object.size() - at))
      images.push_back(std::move(image));
  }
  return images;
}

// "Cuda compilation tools, release 13.0, V13.0.88", a note in every cubin.
std::string compiler_of(const std::string& cubin) {
  constexpr std::string_view before = "Cuda compilation tools, ";
  const size_t at = cubin.find(before);
  return at == std::string::npos ? "unknown" : cubin.c_str() + at + before.size();
}

// The contents of a 64-bit ELF file's section; empty where it has none of that name.
std::string_view section_of(std::string_view file, std::string_view wanted) {
  const auto header = [&](auto& into, size_t at) {
    if (at > file.size() || file.size() - at < sizeof into) throw std::runtime_error("this is no whole ELF file");
    std::memcpy(&into, file.data() + at, sizeof into);
  };
  Elf64_Ehdr elf;
  header(elf, 0);
  if (std::memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0 || elf.e_ident[EI_CLASS] != ELFCLASS64)
    throw std::runtime_error("this is no 64-bit ELF file");
  const auto section = [&](size_t index) {
    Elf64_Shdr s;
    header(s, elf.e_shoff + index * sizeof s);
    return s;
  };
  const Elf64_Shdr names = section(elf.e_shstrndx);
  for (size_t k = 0; k < elf.e_shnum; ++k) {
    const Elf64_Shdr s = section(k);
    if (file.substr(names.sh_offset + s.sh_name, wanted.size() + 1) == std::string(wanted) + '\0')
      return file.substr(s.sh_offset, s.sh_size);
  }
  return {};
}

}  // namespace

std::string readable_name(const std::string& mangled) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status), std::free);
  std::string name = status == 0 ? text.get() : mangled;
  for (const char* gone : {"void ", "(anonymous namespace)::", "recur::kernels::", "recur::cells::",
                           "recur::device::", "recur::sweep::", "recur::"}) {
    for (size_t at; (at = name.find(gone)) != std::string::npos;) name.erase(at, std::strlen(gone));
  }
  return name.substr(0, name.find('('));
}

Library read_library(const std::string& path) {
  const std::string archive = read_file(path);
  Library library;
  for (const auto& [member, object] : members_of(archive)) {
    for (const Image& image : images_of(object)) {
      if (image.kind != Image::Kind::Cubin) continue;
      library.compiler = compiler_of(image.bytes);
      const auto stack = ptxvm::image::stack_per_thread(image.bytes);
      for (const auto& [mangled, registers] : ptxvm::image::registers_per_thread(image.bytes)) {
        const std::string file = member.substr(0, member.rfind(".o"));
        const Resources needs = {registers, stack.at(mangled)};
        if (!library.kernels[{file, readable_name(mangled)}].emplace(image.arch, needs).second)
          throw std::runtime_error("two kernels of " + file + " are called " + readable_name(mangled));
      }
    }
  }
  if (library.kernels.empty()) throw std::runtime_error(path + " holds no machine code of any kernel");
  return library;
}

std::map<std::string, std::map<int, Resources>> read_program(const std::string& path) {
  const std::string file = read_file(path);
  std::map<std::string, std::map<int, Resources>> kernels;
  for (const Image& image : images_of(section_of(file, ".nv_fatbin"))) {
    if (image.kind != Image::Kind::Cubin) continue;
    const auto stack = ptxvm::image::stack_per_thread(image.bytes);
    for (const auto& [mangled, registers] : ptxvm::image::registers_per_thread(image.bytes))
      kernels[mangled].emplace(image.arch, Resources{registers, stack.at(mangled)});
  }
  if (kernels.empty()) throw std::runtime_error(path + " holds no machine code of any kernel");
  return kernels;
}

}  // namespace recur::test
