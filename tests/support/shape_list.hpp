// Lists of shapes as text: one per line, numbers apart by blanks, # begins a comment.
#pragma once

#include <cstdint>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace recur::test {

// Every line must hold exactly `columns` whole numbers of at least 0; what does not is an error that names
// the file and the line. A list without a shape is an error too: its tests would test nothing.
inline std::vector<std::vector<int64_t>> read_shape_list(std::istream& in, const std::string& name,
                                                         size_t columns) {
  std::vector<std::vector<int64_t>> shapes;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    const auto fail = [&](const std::string& what) {
      throw std::runtime_error(name + ":" + std::to_string(number) + ": " + what);
    };
    std::istringstream words(line.substr(0, line.find('#')));
    std::vector<int64_t> shape;
    for (std::string word; words >> word;) {
      if (word.size() > 18 || word.find_first_not_of("0123456789") != std::string::npos) {
        fail("'" + word + "' is not a whole number of at least 0");
      }
      shape.push_back(std::stoll(word));
    }
    if (shape.empty()) continue;
    if (shape.size() != columns) {
      fail("expected " + std::to_string(columns) + " numbers, found " + std::to_string(shape.size()));
    }
    shapes.push_back(shape);
  }
  if (shapes.empty()) throw std::runtime_error(name + ": no shape in this list");
  return shapes;
}

inline std::vector<std::vector<int64_t>> read_shape_list(const std::string& path, size_t columns) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path + ": cannot be opened");
  return read_shape_list(file, path, columns);
}

}  // namespace recur::test
