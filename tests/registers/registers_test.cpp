// The library's kernels against docs/kernels/registers.md.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "register_table.hpp"

namespace recur::test {
namespace {

constexpr char kAgain[] =
    "\nThe table is made again by building recur and recur_registers with -DCMAKE_BUILD_TYPE=Release and "
    "\"-DCMAKE_CUDA_ARCHITECTURES=75;80;90;100;120\", then, in that build folder,\n"
    "    tests/registers/recur_registers host/librecur.a > docs/kernels/registers.md of the sources";

std::string joined(const std::vector<std::string>& sentences) {
  std::string text;
  for (const std::string& sentence : sentences) text += sentence + "\n";
  return text;
}

TEST(Registers, OfTheLibraryAreThoseOfTheTable) {
  std::ifstream file(RECUR_REGISTER_TABLE);
  std::ostringstream text;
  text << file.rdbuf();
  const Library table = read_table(text.str()), library = read_library(RECUR_LIBRARY);
  if (table.compiler != library.compiler)
    std::printf(
        "The table was made by %s, the library by %s: registers are not compared, names and stack are.\n",
        table.compiler.c_str(), library.compiler.c_str());
  EXPECT_EQ(joined(differences(library, table)), "") << kAgain;
  EXPECT_EQ(write_table(table), text.str()) << "docs/kernels/registers.md is not as it was made." << kAgain;
}

// What the test above would say, of a library of two kernels whose registers are known.
class Stale : public testing::Test {
 protected:
  const KernelName spilling{"spilling.cu", "spilling"}, modest{"spilling.cu", "modest"};
  const Library built = read_library(RECUR_SPILLING_LIBRARY);
  const int architecture = built.kernels.at(modest).begin()->first;

  // Among the differences; a spill is always there.
  testing::AssertionResult told(const Library& table, const std::string& words) const {
    const std::string all = joined(differences(built, table));
    if (all.find(words) != std::string::npos) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "no \"" << words << "\" in:\n" << all;
  }
};

TEST_F(Stale, SpillsAreFoundAlthoughTheTableHasThem) {
  const Resources needs = built.kernels.at(spilling).at(architecture);
  EXPECT_LE(needs.registers, 64);
  // At least 128 values less the registers.
  EXPECT_GE(needs.stack, 4 * (128 - needs.registers));
  EXPECT_EQ(built.kernels.at(modest).at(architecture).stack, 0);
  for (const std::string& sentence : differences(built, built))
    EXPECT_NE(sentence.find("`spilling` of spilling.cu on sm_"), std::string::npos) << sentence;
  EXPECT_TRUE(told(built, "has a stack frame of " + std::to_string(needs.stack) + " bytes"));
}

TEST_F(Stale, AMissingRow) {
  Library table = built;
  table.kernels.erase(modest);
  EXPECT_TRUE(told(table, "The table lacks `modest` of spilling.cu."));
}

TEST_F(Stale, ARowTooMany) {
  Library table = built;
  table.kernels[{"spilling.cu", "gone"}][architecture] = {8, 0};
  EXPECT_TRUE(told(table, "lists `gone` of spilling.cu, which the library does not have"));
}

TEST_F(Stale, AnotherNumber) {
  Library table = built;
  ++table.kernels[modest][architecture].registers;
  EXPECT_TRUE(told(table, "registers for `modest` of spilling.cu on sm_" + std::to_string(architecture) +
                              ", and it takes "));
  table.kernels[modest].erase(architecture);
  EXPECT_TRUE(told(table, "The table has nothing for `modest` of spilling.cu on sm_"));
}

TEST_F(Stale, AnotherCompilerMayTakeOtherNumbersOfRegisters) {
  Library table = built;
  ++table.kernels[modest][architecture].registers;
  table.compiler = "release 1.0";
  for (const std::string& sentence : differences(built, table))
    EXPECT_NE(sentence.find("has a stack frame"), std::string::npos) << sentence;
}

TEST_F(Stale, WrittenAndReadBack) {
  const std::string text = write_table(built);
  EXPECT_EQ(write_table(read_table(text)), text);
  EXPECT_NE(text.find(", stack "), std::string::npos);
  EXPECT_THROW(read_table(text + "| `half a row` |\n"), std::runtime_error);
  EXPECT_THROW(read_library(RECUR_REGISTER_TABLE), std::runtime_error);
}

}  // namespace
}  // namespace recur::test
