#include "digits.hpp"

#include <gtest/gtest.h>

namespace digits {
namespace {

// A line with value for every pixel but one.
std::string line(int value, int label, int pixel = 0, const std::string& other = "") {
  std::string text;
  for (int i = 0; i < kPixels; i++)
    text += (!other.empty() && i == pixel ? other : std::to_string(value)) + ",";
  return text + std::to_string(label);
}

std::string complaint(const std::string& text) {
  try {
    parse_digits(text, "file");
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

// A digit with ink in one pixel.
Digit dot(int row, int column, int32_t label = 0) {
  Digit digit = {{}, label};
  digit.pixels[row * kColumns + column] = 1;
  return digit;
}

TEST(Digits, ReadsPixelsRowByRowAndTheLabel) {
  const std::vector<Digit> read = parse_digits(line(0, 7, 9, "16") + "\r\n" + line(4, 0) + "\n", "file");
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].label, 7);
  EXPECT_EQ(read[0].pixels, dot(1, 1).pixels);
  EXPECT_EQ(read[1].label, 0);
  for (float pixel : read[1].pixels) EXPECT_EQ(pixel, 0.25f);
  EXPECT_EQ(parse_digits(line(4, 9), "file").size(), 1u) << "the last line needs no end";
}

TEST(Digits, NamesTheLineAndTheValueThatIsWrong) {
  const std::string good = line(1, 1) + "\n";
  EXPECT_EQ(complaint(good + line(0, 3, 4, "17")),
            "'file', line 2: pixel 5 is '17', and must be a whole number from 0 to 16");
  EXPECT_EQ(complaint(line(0, 3, 0, "-1")),
            "'file', line 1: pixel 1 is '-1', and must be a whole number from 0 to 16");
  EXPECT_EQ(complaint(line(0, 3, 63, "1.5")),
            "'file', line 1: pixel 64 is '1.5', and must be a whole number from 0 to 16");
  EXPECT_EQ(complaint(line(0, 3, 1, " ")),
            "'file', line 1: pixel 2 is ' ', and must be a whole number from 0 to 16");
  EXPECT_EQ(complaint(line(0, 10)),
            "'file', line 1: the label is '10', and must be a whole number from 0 to 9");
  EXPECT_EQ(complaint(good + "\n" + good),
            "'file', line 2: pixel 1 is '', and must be a whole number from 0 to 16");
  EXPECT_EQ(complaint("1,2,3"), "'file', line 1: ends after 3 values; 64 pixels and a label are needed");
  EXPECT_EQ(complaint(line(0, 3) + ",4"),
            "'file', line 1: goes on after the label; 64 pixels and a label are wanted");
  EXPECT_EQ(complaint("\x7f\n"), "'file', line 1: pixel 1 is '?', and must be a whole number from 0 to 16");
  EXPECT_EQ(complaint(std::string(30, 'x')),
            "'file', line 1: pixel 1 is 'xxxxxxxxxxxxxxxxxxxx', and must be a whole number from 0 to 16");
  EXPECT_NE(complaint(line(0, 3, 2, "99999999999999999999")).find("pixel 3"), std::string::npos);
}

TEST(Digits, TheLastFifthIsHeldOut) {
  std::vector<Digit> all;
  for (int i = 0; i < 14; i++) all.push_back(dot(0, 0, i % 10));
  const Split data = split(all, "file");
  ASSERT_EQ(data.learn.size(), 12u);
  ASSERT_EQ(data.held_out.size(), 2u);
  EXPECT_EQ(data.learn.back().label, 1);
  EXPECT_EQ(data.held_out.front().label, 2);
  all.resize(4);
  EXPECT_THROW(split(all, "file"), std::invalid_argument);
}

TEST(Digits, MovesThePictureAndLosesWhatLeavesIt) {
  EXPECT_EQ(moved(dot(3, 4, 5), 1, -1).pixels, dot(2, 5).pixels);
  EXPECT_EQ(moved(dot(3, 4, 5), 1, -1).label, 5);
  EXPECT_EQ(moved(dot(0, 7), -1, 1).pixels, dot(1, 6).pixels);
  EXPECT_EQ(moved(dot(3, 7), 1, 0).pixels, Digit{}.pixels);
  EXPECT_EQ(moved(dot(0, 3), 0, -1).pixels, Digit{}.pixels);
  EXPECT_EQ(moved(dot(7, 0), 0, 0).pixels, dot(7, 0).pixels);
}

TEST(Digits, MeansAreOfTheLabelsThatOccur) {
  const std::vector<Digit> means = class_means({dot(0, 0, 3), dot(0, 1, 3), dot(5, 5, 8)});
  ASSERT_EQ(means.size(), 2u);
  EXPECT_EQ(means[0].label, 3);
  EXPECT_EQ(means[0].pixels[0], 0.5f);
  EXPECT_EQ(means[0].pixels[1], 0.5f);
  EXPECT_EQ(means[1].label, 8);
  EXPECT_EQ(means[1].pixels, dot(5, 5).pixels);
}

TEST(Digits, TheNearestGivesItsLabelAndATieTheFirst) {
  const std::vector<Digit> to = {dot(0, 0, 4), dot(1, 1, 6), dot(1, 1, 2)};
  EXPECT_EQ(nearest(to, dot(1, 1)), 6);
  EXPECT_EQ(nearest(to, dot(7, 7)), 4);
}

TEST(Digits, AccuracyIsTheShareOfRightLabels) {
  EXPECT_DOUBLE_EQ(accuracy({dot(0, 0, 1), dot(0, 0, 2), dot(0, 0, 3), dot(0, 0, 4)}, {1, 2, 0, 4}), 0.75);
}

// Figures of the file that is shipped, counted with other tools.
TEST(Digits, TheShippedFileIsWhole) {
  const std::vector<Digit> all = parse_digits(examples::read_file(DIGITS_DATA), "digits.csv");
  ASSERT_EQ(all.size(), 1797u);
  std::array<int, kClasses> labels = {};
  for (const Digit& digit : all) labels[digit.label]++;
  EXPECT_EQ(labels, (std::array<int, kClasses>{178, 182, 177, 183, 181, 182, 181, 179, 174, 180}));
  EXPECT_EQ(split(all, "digits.csv").held_out.size(), 359u);
}

}  // namespace
}  // namespace digits
