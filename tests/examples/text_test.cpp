#include "text.hpp"

#include <gtest/gtest.h>

namespace char_lm {
namespace {

std::string complaint(const std::string& bytes) {
  try {
    to_symbols(bytes, "book");
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(Text, NumbersBytesInTheirOrder) {
  const Text text = to_symbols("bad cab\n", "book");
  EXPECT_EQ(text.alphabet, "\n abcd");
  EXPECT_EQ(text.symbols, (std::vector<int32_t>{3, 2, 5, 1, 4, 2, 3, 0}));
}

TEST(Text, BytesAbove127AreSymbolsToo) {
  const Text text = to_symbols("\xc3\xa9t\xc3\xa9", "book");
  EXPECT_EQ(text.vocabulary(), 3);
  EXPECT_EQ(text.symbols, (std::vector<int32_t>{2, 1, 0, 2, 1}));
}

TEST(Text, RefusesWhatIsNoText) {
  EXPECT_EQ(complaint(""), "'book' is empty");
  EXPECT_EQ(complaint(std::string("text\0text", 9)), "'book' is a binary file, not text");
  EXPECT_EQ(complaint("\x01\x02\x7f\x45"), "'book' is a binary file, not text");
  EXPECT_EQ(complaint(std::string(500, 'x') + "\x1b"), "");
  EXPECT_THROW(read_text("/nonexistent/book"), std::invalid_argument);
}

}  // namespace
}  // namespace char_lm
