// A file as bytes, for the examples that read one. Throws std::invalid_argument with one sentence for what
// cannot be read or has nothing in it.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

namespace examples {

inline std::string read_file(const std::string& name) {
  if (std::filesystem::is_directory(name)) throw std::invalid_argument("'" + name + "' is a folder");
  std::ifstream file(name, std::ios::binary);
  if (!file) throw std::invalid_argument("'" + name + "' cannot be opened");
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) throw std::invalid_argument("'" + name + "' cannot be read");
  if (bytes.empty()) throw std::invalid_argument("'" + name + "' is empty");
  return bytes;
}

// The beginning of what stands in a file, for a complaint: on one line, whatever it is.
inline std::string quoted(std::string_view text) {
  std::string shown(text.substr(0, 20));
  for (char& c : shown)
    if (c < ' ' || c > '~') c = '?';
  return "'" + shown + "'";
}

// The complaint about one line of a file.
[[noreturn]] inline void bad_line(const std::string& name, size_t line, const std::string& fault) {
  throw std::invalid_argument("'" + name + "', line " + std::to_string(line) + ": " + fault);
}

}  // namespace examples
