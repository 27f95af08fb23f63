#include "ptx/lexer.hpp"

#include <array>

#include "support/error.hpp"

namespace ptxvm::ptx {
namespace {

enum CharClass : unsigned char { kNone = 0, kLetter = 1, kDigit = 2, kNamePart = 4, kSpace = 8 };

constexpr std::array<unsigned char, 256> make_classes() {
  std::array<unsigned char, 256> classes{};
  for (int c = 'a'; c <= 'z'; ++c) classes[c] = kLetter | kNamePart;
  for (int c = 'A'; c <= 'Z'; ++c) classes[c] = kLetter | kNamePart;
  for (int c = '0'; c <= '9'; ++c) classes[c] = kDigit | kNamePart;
  classes['_'] = classes['$'] = kLetter | kNamePart;
  classes['%'] = kLetter;  // starts a name, never continues one
  classes[' '] = classes['\t'] = classes['\r'] = classes['\n'] = classes['\f'] = classes['\v'] = kSpace;
  return classes;
}
constexpr auto kClasses = make_classes();

bool is_class(char c, int wanted) { return (kClasses[static_cast<unsigned char>(c)] & wanted) != 0; }

}  // namespace

Lexer::Lexer(std::string_view text) : text_(text) { scan(); }

Token Lexer::take() {
  const Token taken = token_;
  if (taken.kind != Token::Kind::End) scan();
  return taken;
}

bool Lexer::accept(char mark) {
  if (!token_.is(mark)) return false;
  scan();
  return true;
}

void Lexer::expect(char mark, const char* where) {
  if (!accept(mark)) fail(std::string("'") + mark + "' expected " + where);
}

Token Lexer::expect(Token::Kind kind, const char* what) {
  if (token_.kind != kind) fail(std::string(what) + " expected");
  return take();
}

void Lexer::fail(int line, const std::string& what) const {
  std::size_t start = 0;
  for (int at = 1; at < line && start < text_.size(); ++at) {
    const auto end = text_.find('\n', start);
    start = end == text_.npos ? text_.size() : end + 1;
  }
  std::string_view shown = text_.substr(start, text_.find('\n', start) - start);
  while (!shown.empty() && is_class(shown.front(), kSpace)) shown.remove_prefix(1);
  while (!shown.empty() && is_class(shown.back(), kSpace)) shown.remove_suffix(1);
  std::string message = "PTX line " + std::to_string(line) + ": " + what;
  if (token_.kind == Token::Kind::End) message += " (the text ends here)";
  throw Error(Status::InvalidPtx, message + ": " + std::string(shown.substr(0, 200)));
}

void Lexer::skip_space() {
  while (position_ < text_.size()) {
    const char c = text_[position_];
    if (c == '\n') ++line_;
    if (is_class(c, kSpace)) {
      ++position_;
      continue;
    }
    if (c != '/' || position_ + 1 >= text_.size()) return;
    const char next = text_[position_ + 1];
    if (next == '/') {
      const auto end = text_.find('\n', position_);
      position_ = end == text_.npos ? text_.size() : end;
    } else if (next == '*') {
      const int start_line = line_;
      const auto end = text_.find("*/", position_ + 2);
      if (end == text_.npos) fail(start_line, "comment without end");
      for (; position_ < end + 2; ++position_) line_ += text_[position_] == '\n';
    } else {
      return;
    }
  }
}

void Lexer::scan() {
  skip_space();
  token_.line = line_;
  if (position_ >= text_.size()) {
    token_.kind = Token::Kind::End;
    token_.text = {};
    return;
  }
  const std::size_t start = position_;
  const auto at = [&](std::size_t i) { return i < text_.size() ? text_[i] : '\0'; };
  const char c = text_[position_++];
  if (is_class(c, kLetter)) {
    while (is_class(at(position_), kNamePart)) ++position_;
    if (c == '%' && position_ == start + 1) fail(line_, "name expected after '%'");
    token_.kind = Token::Kind::Word;
  } else if (c == '.' && is_class(at(position_), kNamePart)) {
    // "::" belongs to the word (.shared::cluster), a single colon does not.
    for (;;) {
      if (is_class(at(position_), kNamePart)) {
        ++position_;
      } else if (at(position_) == ':' && at(position_ + 1) == ':' && is_class(at(position_ + 2), kNamePart)) {
        position_ += 2;
      } else {
        break;
      }
    }
    token_.kind = Token::Kind::DotWord;
    token_.text = text_.substr(start + 1, position_ - start - 1);
    return;
  } else if (is_class(c, kDigit)) {
    // Letters are for hexadecimal, 0f/0d, U and exponents; a sign follows only a decimal exponent's e.
    const char second = at(position_) | 0x20;
    const bool prefixed = c == '0' && (second == 'x' || second == 'f' || second == 'd' || second == 'b');
    for (;; ++position_) {
      const char d = at(position_);
      const bool exponent_sign = !prefixed && (d == '+' || d == '-') && (text_[position_ - 1] | 0x20) == 'e';
      if (!is_class(d, kNamePart) && d != '.' && !exponent_sign) break;
    }
    token_.kind = Token::Kind::Number;
  } else if (c == '"') {
    while (position_ < text_.size() && text_[position_] != '"' && text_[position_] != '\n') {
      position_ += text_[position_] == '\\' ? 2 : 1;
    }
    if (at(position_) != '"') fail(line_, "string without end");
    token_.kind = Token::Kind::String;
    token_.text = text_.substr(start + 1, position_ - start - 1);
    ++position_;
    return;
  } else {
    token_.kind = Token::Kind::Mark;
  }
  token_.text = text_.substr(start, position_ - start);
}

}  // namespace ptxvm::ptx
