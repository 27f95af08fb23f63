// PTX text to tokens, one at a time and without copies: every token is a view into the text.
#pragma once

#include <string>
#include <string_view>

namespace ptxvm::ptx {

struct Token {
  enum class Kind {
    End,
    Word,     // identifier, register, special register without its ".x"; "_" too
    DotWord,  // ".global", ".shared::cluster": text without the leading dot
    Number,   // as written; literal.hpp reads it
    String,   // without its quotes
    Mark      // one character
  };
  Kind kind = Kind::End;
  std::string_view text;
  int line = 1;

  bool is(char mark) const { return kind == Kind::Mark && text[0] == mark; }
};

class Lexer {
 public:
  explicit Lexer(std::string_view text);

  const Token& peek() const { return token_; }  // the token to be taken next
  Token take();
  bool accept(char mark);  // takes it if it is next
  void expect(char mark, const char* where);
  Token expect(Token::Kind kind, const char* what);

  // InvalidPtx with the line's number and text.
  [[noreturn]] void fail(int line, const std::string& what) const;
  [[noreturn]] void fail(const std::string& what) const { fail(token_.line, what); }

 private:
  void skip_space();
  void scan();

  std::string_view text_;
  std::size_t position_ = 0;
  int line_ = 1;
  Token token_;
};

}  // namespace ptxvm::ptx
