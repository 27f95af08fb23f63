#include "verses.hpp"

#include <gtest/gtest.h>

namespace segment {
namespace {

std::string shown(const Row& row) {
  return spaced(row, [&](size_t i) { return row.ends[i] == 1; });
}

std::vector<std::string> shown(const std::vector<Row>& rows) {
  std::vector<std::string> texts;
  for (const Row& row : rows) texts.push_back(shown(row));
  return texts;
}

std::string complaint(const std::string& text, int64_t longest = 100) {
  try {
    rows_of(text, "book", longest);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(Verses, KeepLettersAloneAndAskAtEachButTheLast) {
  const std::vector<Row> rows = rows_of("A bee, to-day!\n", "book", 100);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].letters, (std::vector<int32_t>{0, 1, 4, 4, 19, 14, 3, 0, 24}));
  EXPECT_EQ(rows[0].ends, (std::vector<int32_t>{1, 0, 0, 1, 0, 0, 0, 0, kNotAsked}));
  EXPECT_EQ(shown(rows[0]), "a bee today");
}

TEST(Verses, EachLineIsARowAndLinesWithoutLettersAreNone) {
  EXPECT_EQ(shown(rows_of("One two\r\n\n 12 --\n\tthree  four ", "book", 100)),
            (std::vector<std::string>{"one two", "three four"}));
  EXPECT_TRUE(rows_of("\n\n", "book", 100).empty());
}

TEST(Verses, ALongLineGoesOnAfterTheLastWordThatFits) {
  EXPECT_EQ(shown(rows_of("ab cd efg h\nij", "book", 4)), (std::vector<std::string>{"ab cd", "efg h", "ij"}));
  EXPECT_EQ(shown(rows_of("ab cd efg h", "book", 3)), (std::vector<std::string>{"ab", "cd", "efg", "h"}));
  const std::vector<Row> rows = rows_of("ab cd efg h", "book", 5);
  EXPECT_EQ(shown(rows), (std::vector<std::string>{"ab cd", "efg h"}));
  EXPECT_EQ(rows[0].ends, (std::vector<int32_t>{0, 1, 0, kNotAsked}));
}

TEST(Verses, NameTheLineThatIsWrong) {
  EXPECT_EQ(complaint("one\ntwo three\n", 4),
            "'book', line 2: has a word of 5 letters, and a row has room for 4");
  EXPECT_EQ(complaint("one\nna\xc3\xafve"),
            "'book', line 2: byte 195 is not ASCII text; the letters known here are a to z");
  EXPECT_EQ(complaint(std::string("a\0b", 3)),
            "'book', line 1: byte 0 is not ASCII text; the letters known here are a to z");
  EXPECT_EQ(complaint("one\ttwo\f\r\n"), "");
}

TEST(Verses, TheLastTenthIsHeldOut) {
  std::string text;
  for (int i = 0; i < 25; i++) text += std::string(i + 1, 'a') + "\n";
  const Split data = split(rows_of(text, "book", 100), "book");
  ASSERT_EQ(data.learn.size(), 23u);
  ASSERT_EQ(data.held_out.size(), 2u);
  EXPECT_EQ(data.held_out[0].letters.size(), 24u);
  EXPECT_THROW(split(rows_of("a\nb\nc", "book", 100), "book"), std::invalid_argument);
}

TEST(WindowRule, SaysWhatWasMoreOftenSo) {
  // Between a and c, b ends a word twice of three times; between a and d once of twice, which is not more
  // often than not.
  WindowRule rule(1);
  for (const Row& row : rows_of("ab c\nab c\nabc\nab d\nabd", "book", 100)) rule.count(row);
  const auto second = [&](const char* text) { return rule.ends(rows_of(text, "book", 100)[0], 1); };
  EXPECT_TRUE(second("abc"));
  EXPECT_FALSE(second("abd"));
  EXPECT_FALSE(second("xbc")) << "never seen";
}

TEST(WindowRule, LooksAsFarAsItsReachAndSeesTheRowsEdge) {
  WindowRule near(1), far(2);
  for (WindowRule* rule : {&near, &far})
    for (const Row& row : rows_of("xab cx\nyabcy\nyabcy\nab c", "book", 100)) rule->count(row);
  const Row x = rows_of("xabcx", "book", 100)[0], y = rows_of("yabcy", "book", 100)[0];
  EXPECT_FALSE(near.ends(x, 2));
  EXPECT_TRUE(far.ends(x, 2));
  EXPECT_FALSE(far.ends(y, 2));
  EXPECT_TRUE(far.ends(rows_of("abc", "book", 100)[0], 1)) << "at the beginning, not after a letter";
}

TEST(Score, ByHand) {
  Score score;
  EXPECT_EQ(score.f1(), 0);
  const Row row = rows_of("a b cd e", "book", 100)[0];  // ends 1 1 0 1 and one that is not asked
  const bool said[] = {true, false, true, true, true};
  for (size_t i = 0; i < 5; i++) score.add(row.ends[i], said[i]);
  EXPECT_EQ(score.right, 2);
  EXPECT_EQ(score.wrong, 1);
  EXPECT_EQ(score.missed, 1);
  EXPECT_DOUBLE_EQ(score.precision(), 2 / 3.0);
  EXPECT_DOUBLE_EQ(score.recall(), 2 / 3.0);
  EXPECT_DOUBLE_EQ(score.f1(), 2 / 3.0);
  score.add(1, false);
  EXPECT_DOUBLE_EQ(score.recall(), 0.5);
  EXPECT_DOUBLE_EQ(score.f1(), 4 / 7.0);
}

// Figures of the text that is shipped, counted with other tools.
TEST(Verses, TheShippedTextIsRead) {
  const std::vector<Row> rows = rows_of(examples::read_file(SEGMENT_TEXT), "pentateuch.txt", 277);
  EXPECT_EQ(rows.size(), 5852u);
  size_t letters = 0;
  for (const Row& row : rows) letters += row.letters.size();
  EXPECT_EQ(letters, 634378u);
  EXPECT_GT(rows_of(examples::read_file(SEGMENT_TEXT), "pentateuch.txt", 276).size(), 5852u);
}

// F1 0.8381 and 0.9118: the same rules written in Python on the same rows.
TEST(WindowRule, AgreesWithAnotherCountOfTheShippedText) {
  std::vector<Row> rows = rows_of(examples::read_file(SEGMENT_TEXT), "pentateuch.txt", 277);
  const Split data = split(rows, "pentateuch.txt");
  const double expected[] = {0.8381087499614471, 0.9118198874296435};
  for (int reach : {1, 2}) {
    WindowRule rule(reach);
    for (const Row& row : data.learn) rule.count(row);
    Score score;
    for (const Row& row : data.held_out)
      for (size_t i = 0; i < row.letters.size(); i++) score.add(row.ends[i], rule.ends(row, i));
    EXPECT_NEAR(score.f1(), expected[reach - 1], 1e-12);
  }
}

}  // namespace
}  // namespace segment
