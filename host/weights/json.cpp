#include "json.hpp"

#include "../check.hpp"

namespace recur {

void JsonReader::fail(const std::string& reason) const {
  throw Failure(RECUR_INVALID_ARGUMENT, where_ + "byte " + std::to_string(at_) + " of the header: " + reason);
}

void JsonReader::skip_space() {
  while (at_ < size_ && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
}

std::string JsonReader::found() const {
  if (at_ >= size_) return "the end of the header";
  const unsigned char c = static_cast<unsigned char>(text_[at_]);
  if (c >= 0x20 && c < 0x7F) return std::string("'") + text_[at_] + "'";
  return "a byte of value " + std::to_string(c);
}

bool JsonReader::next_is(char character) {
  skip_space();
  if (at_ >= size_ || text_[at_] != character) return false;
  ++at_;
  return true;
}

void JsonReader::expect(char character) {
  if (!next_is(character)) fail(std::string("'") + character + "' is expected, and there is " + found());
}

bool JsonReader::more(char end) {
  if (next_is(',')) return true;
  if (next_is(end)) return false;
  fail(std::string("',' or '") + end + "' is expected, and there is " + found());
}

void JsonReader::expect_end() {
  skip_space();
  if (at_ < size_) fail("nothing is expected behind the object, and there is " + found());
}

int64_t JsonReader::size() {
  skip_space();
  if (at_ >= size_ || text_[at_] < '0' || text_[at_] > '9') fail("a whole number is expected, and there is " + found());
  if (text_[at_] == '0' && at_ + 1 < size_ && text_[at_ + 1] >= '0' && text_[at_ + 1] <= '9')
    fail("a number begins with a 0");
  int64_t value = 0;
  for (; at_ < size_ && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
    const int64_t digit = text_[at_] - '0';
    if (value > (INT64_MAX - digit) / 10) fail("a number is above 2^63-1");
    value = value * 10 + digit;
  }
  if (at_ < size_ && (text_[at_] == '.' || text_[at_] == 'e' || text_[at_] == 'E')) fail("a number is no whole one");
  return value;
}

std::string JsonReader::string() {
  skip_space();
  if (at_ >= size_ || text_[at_] != '"') fail("a string is expected, and there is " + found());
  ++at_;
  std::string value;
  while (at_ < size_ && text_[at_] != '"') {
    const unsigned char c = static_cast<unsigned char>(text_[at_]);
    if (c < 0x20) fail("a string holds " + found());
    ++at_;
    if (c == '\\') {
      escape(value);
    } else {
      value += static_cast<char>(c);
    }
  }
  if (at_ >= size_) fail("a string has no end");
  ++at_;
  return value;
}

uint32_t JsonReader::hex4() {
  uint32_t value = 0;
  for (int k = 0; k < 4; ++k, ++at_) {
    const char c = at_ < size_ ? text_[at_] : ' ';
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) fail("\\u is followed by four hexadecimal digits, and there is " + found());
    value = value * 16 + static_cast<uint32_t>(digit);
  }
  return value;
}

void JsonReader::escape(std::string& to) {
  const char c = at_ < size_ ? text_[at_] : ' ';
  static const std::string from = "\"\\/bfnrt", into = "\"\\/\b\f\n\r\t";
  if (const size_t which = from.find(c); which != std::string::npos) {
    ++at_;
    to += into[which];
    return;
  }
  if (c != 'u') fail("'\\' is followed by " + found());
  ++at_;
  uint32_t point = hex4();
  if (point >= 0xDC00 && point <= 0xDFFF) fail("\\u names the second half of a character without the first");
  if (point >= 0xD800 && point <= 0xDBFF) {
    if (at_ + 1 >= size_ || text_[at_] != '\\' || text_[at_ + 1] != 'u')
      fail("\\u names the first half of a character, and the second does not follow");
    at_ += 2;
    const uint32_t second = hex4();
    if (second < 0xDC00 || second > 0xDFFF)
      fail("\\u names the first half of a character, and the second does not follow");
    point = 0x10000 + ((point - 0xD800) << 10) + (second - 0xDC00);
  }
  if (point == 0) fail("a string holds the character NUL");
  const auto put = [&](uint32_t byte) { to += static_cast<char>(byte); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | point >> 6), put(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    put(0xE0 | point >> 12), put(0x80 | (point >> 6 & 0x3F)), put(0x80 | (point & 0x3F));
  } else {
    put(0xF0 | point >> 18), put(0x80 | (point >> 12 & 0x3F)), put(0x80 | (point >> 6 & 0x3F)),
        put(0x80 | (point & 0x3F));
  }
}

std::string json_string(const std::string& text) {
  static const char digits[] = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\', quoted += c;
    } else if (byte < 0x20) {
      quoted += "\\u00", quoted += digits[byte >> 4], quoted += digits[byte & 15];
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace recur
