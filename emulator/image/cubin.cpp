#include "image/cubin.hpp"

#include <optional>

#include "image/bytes.hpp"

namespace ptxvm::image {
namespace {

// Offsets in the headers of a 64-bit ELF file.
constexpr std::uint64_t kSectionTableAt = 40, kSectionSizeAt = 58, kSectionCountAt = 60, kSectionNamesAt = 62;
constexpr std::uint64_t kSectionHeaderSize = 64, kSymbolSize = 24;
constexpr std::uint32_t kTypeSymbols = 2, kTypeNoBits = 8;

constexpr std::uint8_t kFormatSized = 4;            // the value is as long as the header's u16 says
constexpr std::uint8_t kAttributeFrame = 0x11;      // u32 symbol, u32 bytes of the stack frame per thread
constexpr std::uint8_t kAttributeRegisters = 0x2f;  // u32 symbol, u32 registers per thread

struct Section {
  std::uint32_t name = 0, type = 0, link = 0;
  std::string_view content;
};

class Elf {
 public:
  explicit Elf(std::string_view file) : file_(file) {
    if (file.substr(0, 6) != std::string_view("\x7f"
                                              "ELF\x02\x01",
                                              6)) {
      fail("cubin: not a 64-bit little-endian ELF file");
    }
    table_ = load<std::uint64_t>(file, kSectionTableAt);
    count_ = load<std::uint16_t>(file, kSectionCountAt);
    if (load<std::uint16_t>(file, kSectionSizeAt) != kSectionHeaderSize) {
      fail("cubin: section headers of an unknown size");
    }
    slice(file, table_, count_ * kSectionHeaderSize);
    names_ = section(load<std::uint16_t>(file, kSectionNamesAt)).content;
  }

  std::uint64_t count() const { return count_; }

  Section section(std::uint64_t index) const {
    if (index >= count_) fail("cubin: no section " + std::to_string(index));
    const std::string_view header = slice(file_, table_ + index * kSectionHeaderSize, kSectionHeaderSize);
    Section section;
    section.name = load<std::uint32_t>(header, 0);
    section.type = load<std::uint32_t>(header, 4);
    section.link = load<std::uint32_t>(header, 40);
    if (section.type != kTypeNoBits) {
      section.content = slice(file_, load<std::uint64_t>(header, 24), load<std::uint64_t>(header, 32));
    }
    return section;
  }

  std::string_view name(const Section& section) const { return string_at(names_, section.name); }

  static std::string_view string_at(std::string_view strings, std::uint64_t at) {
    const auto end = at < strings.size() ? strings.find('\0', at) : strings.npos;
    if (end == strings.npos) fail("cubin: name outside of the string table");
    return strings.substr(at, end - at);
  }

 private:
  std::string_view file_, names_;
  std::uint64_t table_ = 0, count_ = 0;
};

// What an attribute says of every function: no more than most.
std::unordered_map<std::string, int> of_functions(std::string_view cubin, std::uint8_t wanted, std::uint32_t most,
                                                  const char* unit) {
  const Elf elf(cubin);
  std::optional<Section> info, symbols;
  for (std::uint64_t i = 1; i < elf.count(); ++i) {
    const Section section = elf.section(i);
    if (section.type == kTypeSymbols) symbols = section;
    if (elf.name(section) == ".nv.info") info = section;
  }
  std::unordered_map<std::string, int> values;
  if (!info) return values;  // no function has anything to say
  if (!symbols) fail("cubin: no symbol table");
  const std::string_view strings = elf.section(symbols->link).content;

  // Attributes: u8 format, u8 attribute, u16 value or the length of the value that follows.
  std::string_view rest = info->content;
  while (!rest.empty()) {
    const auto format = load<std::uint8_t>(rest, 0);
    const auto attribute = load<std::uint8_t>(rest, 1);
    const std::uint64_t size = format == kFormatSized ? load<std::uint16_t>(rest, 2) : 0;
    if (rest.size() < 4) fail("cubin: .nv.info ends too early");
    const std::string_view value = slice(rest, 4, size);
    if (format == kFormatSized && attribute == wanted) {
      const std::uint64_t symbol = load<std::uint32_t>(value, 0);
      const auto count = load<std::uint32_t>(value, 4);
      if (count > most) fail("cubin: a function of " + std::to_string(count) + unit);
      const std::string_view entry = slice(symbols->content, symbol * kSymbolSize, kSymbolSize);
      values[std::string(Elf::string_at(strings, load<std::uint32_t>(entry, 0)))] = static_cast<int>(count);
    }
    rest.remove_prefix(4 + size);
  }
  return values;
}

}  // namespace

std::unordered_map<std::string, int> registers_per_thread(std::string_view cubin) {
  return of_functions(cubin, kAttributeRegisters, 256, " registers");
}

std::unordered_map<std::string, int> stack_per_thread(std::string_view cubin) {
  return of_functions(cubin, kAttributeFrame, 512 << 10, " bytes of stack");
}

}  // namespace ptxvm::image
