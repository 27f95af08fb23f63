// Reads JSON from left to right, as a safetensors header needs it: objects, arrays, strings and whole numbers that
// the caller asks for. What comes is not trusted: there is no recursion, and every fault is a Failure that says where
// it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace recur {

class JsonReader {
 public:
  // text must outlive the reader; where stands before every error.
  JsonReader(const char* text, size_t size, const std::string& where) : text_(text), size_(size), where_(where) {}

  // The next character that is no white space is this one, which is passed.
  void expect(char character);
  bool next_is(char character);  // passes it, if so
  // Between the entries of an object or array: true after a comma, false after the end, which is passed.
  bool more(char end);
  // As UTF-8, escapes resolved. Refused: the character NUL, which would cut off a name in C.
  std::string string();
  // A whole number of 0 to 2^63-1.
  int64_t size();
  // Nothing but white space is left.
  void expect_end();

  [[noreturn]] void fail(const std::string& reason) const;

 private:
  void skip_space();
  std::string found() const;  // what stands here, for an error
  uint32_t hex4();
  void escape(std::string& to);

  const char* text_;
  size_t size_, at_ = 0;
  std::string where_;
};

// In quotes, with the escapes that JSON asks for.
std::string json_string(const std::string& text);

}  // namespace recur
