// The parser against the text itself, read a second time with regular expressions.
#include <gtest/gtest.h>

#include <map>
#include <regex>

#include "image/fatbin.hpp"
#include "images.hpp"
#include "parser_support.hpp"

namespace ptxvm::ptx {
namespace {

using test::function_of;
using test::read_image_file;

std::string ptx_of(const std::string& name, int arch) {
  const std::string file = read_image_file(name);
  const auto images = image::read_fatbin(file.data(), file.size());
  const image::Image* image = image::select_ptx(images, arch);
  return image == nullptr ? std::string() : image->bytes;
}

struct Seen {
  std::string opcode;
  std::vector<std::string> registers;
};

// The instructions of each line. A call goes on over several lines; nothing else does.
std::map<int, std::vector<Seen>> instruction_lines(const std::string& text) {
  const std::regex statement(R"([\s{}]*(@!?%?\w+\s+)?([a-z][a-z0-9_]*(\.[\w:]+)*)(\s+[^:]*|))");
  const std::regex call(R"(\s*(@!?%?\w+\s+)?call(\.uni)?\s.*)");
  const std::regex reg(R"(%(?!(tid|ntid|ctaid|nctaid|cluster_|envreg|laneid|lanemask_))\w+)");
  std::map<int, std::vector<Seen>> seen;
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    line = line.substr(0, line.find("//"));
    while (!line.empty()) {
      const auto end = line.find(';');
      const std::string piece = line.substr(0, end);
      line = end == line.npos ? "" : line.substr(end + 1);
      std::smatch match;
      if (!std::regex_match(piece, match, statement)) continue;
      if (end == line.npos && !std::regex_match(piece, call)) continue;
      Seen one{match[2], {}};
      for (std::sregex_iterator at(piece.begin(), piece.end(), reg), last; at != last; ++at) {
        one.registers.push_back(at->str());
      }
      seen[number].push_back(std::move(one));
    }
  }
  return seen;
}

void collect(const Function& function, const Operand& operand, std::vector<std::string>& names) {
  if (operand.reg >= 0) {
    const std::string& name = function.registers[static_cast<std::size_t>(operand.reg)].name;
    if (name[0] == '%') names.push_back(name);
  }
  for (const Operand& part : operand.parts) collect(function, part, names);
}

void compare(const std::string& text) {
  ASSERT_FALSE(text.empty());
  const auto seen = instruction_lines(text);
  const Module module = parse(text);
  std::map<int, std::vector<Seen>> parsed;
  for (const Function& function : module.functions) {
    for (const Instruction& instruction : function.body) {
      Seen one;
      for (const std::string& word : instruction.opcode) one.opcode += (one.opcode.empty() ? "" : ".") + word;
      if (instruction.guard >= 0) {
        Operand guard;
        guard.reg = instruction.guard;
        collect(function, guard, one.registers);
      }
      for (const Operand& operand : instruction.operands) collect(function, operand, one.registers);
      if (instruction.opcode[0] == "call") one.registers.clear();  // they are on the lines that follow
      parsed[instruction.line].push_back(std::move(one));
    }
  }
  EXPECT_EQ(parsed.size(), seen.size());
  for (const auto& [line, statements] : seen) {
    ASSERT_EQ(parsed[line].size(), statements.size()) << line;
    for (std::size_t i = 0; i < statements.size(); ++i) {
      EXPECT_EQ(parsed[line][i].opcode, statements[i].opcode) << line;
      EXPECT_EQ(parsed[line][i].registers, statements[i].registers) << line;
    }
  }
}

TEST(NvccOutput, EveryInstructionOfTheSample) {
  compare(ptx_of("sample.fatbin", 90));
  compare(ptx_of("sample.fatbin", 120));
}

TEST(NvccOutput, EveryInstructionOfADebugBuild) { compare(ptx_of("debug.fatbin", 90)); }

TEST(NvccOutput, TargetsAgreeWithTheImages) {
  const std::string file = read_image_file("default.fatbin");
  int checked = 0;
  for (const image::Image& image : image::read_fatbin(file.data(), file.size())) {
    if (image.kind != image::Image::Kind::Ptx) continue;
    const Module module = parse(image.bytes);
    EXPECT_EQ(module.target, image.arch);
    EXPECT_EQ(module.target_accelerated, image.accelerated());
    EXPECT_EQ(module.version_major, image.version_major);
    ++checked;
  }
  EXPECT_EQ(checked, 4);
}

TEST(NvccOutput, AttributesOfKernels) {
  const Module module = parse(ptx_of("sample.fatbin", 90));
  const Function& switches = function_of(module, "switches");
  EXPECT_EQ(switches.max_threads[0], 128u);
  EXPECT_EQ(switches.min_blocks, 2u);
  EXPECT_EQ(function_of(module, "clustered").required_cluster[0], 2u);
  EXPECT_TRUE(function_of(module, "clustered").explicit_cluster);
  EXPECT_EQ(function_of(module, "recursion").parameters.size(), 2u);
  EXPECT_FALSE(function_of(module, "vprintf").has_body);
  EXPECT_EQ(function_of(module, "indirect").prototypes.size(), 1u);
  EXPECT_GE(function_of(module, "inline_scopes").labels.size(), 6u);
}

TEST(NvccOutput, InitialValues) {
  const Module module = parse(ptx_of("sample.fatbin", 90));
  const Variable& mixed = test::variable_of(module.variables, "mixed");
  EXPECT_EQ(mixed.space, Space::Constant);
  ASSERT_EQ(mixed.references.size(), 1u);
  EXPECT_EQ(mixed.references[0].offset, 8u);
  EXPECT_EQ(mixed.references[0].symbol, "target_array");
  EXPECT_EQ(mixed.references[0].addend, 4);
  EXPECT_EQ(mixed.initial.at(0), 7);
  EXPECT_EQ(mixed.initial.at(24), 'x');
  const Variable& packed = test::variable_of(module.variables, "packed_reference");
  ASSERT_EQ(packed.references.size(), 1u);
  EXPECT_EQ(packed.references[0].offset, 1u);
  EXPECT_EQ(packed.references[0].addend, 8);
  EXPECT_EQ(packed.size, 9u);
  EXPECT_EQ(test::variable_of(module.variables, "operations").references.size(), 2u);
  EXPECT_TRUE(test::variable_of(module.variables, "dynamic").is_extern);
}

TEST(NvccOutput, SourceLinesNameTheSource) {
  const std::string text = ptx_of("sample.fatbin", 90);
  const Module module = parse(text);
  const Function& recursion = function_of(module, "recursion");
  ASSERT_FALSE(recursion.body.empty());
  const auto file = static_cast<std::size_t>(recursion.body[0].source_file);
  ASSERT_LT(file, module.files.size());
  EXPECT_NE(module.files[file].find("sample.cu"), std::string::npos);
  EXPECT_GT(recursion.body[0].source_line, 1);
}

}  // namespace
}  // namespace ptxvm::ptx
