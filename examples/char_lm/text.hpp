// A text file as symbols: every byte that occurs gets a number, in the order of the bytes.
#pragma once

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "read_file.hpp"

namespace char_lm {

struct Text {
  std::vector<int32_t> symbols;
  std::string alphabet;  // alphabet[symbol] is its byte
  int vocabulary() const { return static_cast<int>(alphabet.size()); }
};

// Maps bytes to symbols. Throws std::invalid_argument with one sentence for what is no text: nothing in it,
// or the zero bytes and control characters of a binary file.
inline Text to_symbols(const std::string& bytes, const std::string& name) {
  if (bytes.empty()) throw std::invalid_argument("'" + name + "' is empty");
  std::array<bool, 256> occurs{};
  size_t controls = 0;
  for (unsigned char byte : bytes) {
    occurs[byte] = true;
    controls += byte == 127 || (byte < 32 && byte != '\t' && byte != '\n' && byte != '\r' && byte != '\f');
  }
  // A stray control character is found in many an old text; a zero byte, or one in a hundred, in none.
  if (occurs[0] || controls * 100 > bytes.size())
    throw std::invalid_argument("'" + name + "' is a binary file, not text");
  Text text;
  std::array<int32_t, 256> symbol{};
  for (int byte = 0; byte < 256; byte++)
    if (occurs[byte]) {
      symbol[byte] = text.vocabulary();
      text.alphabet.push_back(static_cast<char>(byte));
    }
  text.symbols.reserve(bytes.size());
  for (unsigned char byte : bytes) text.symbols.push_back(symbol[byte]);
  return text;
}

inline Text read_text(const std::string& name) { return to_symbols(examples::read_file(name), name); }

}  // namespace char_lm
