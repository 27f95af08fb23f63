// The files that nvcc made for these tests.
#pragma once

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace ptxvm::test {

inline std::string read_image_file(const std::string& name) {
  std::ifstream file(std::string(PTXVM_TEST_IMAGES) + "/" + name, std::ios::binary);
  if (!file) throw std::runtime_error("no file " + name);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

}  // namespace ptxvm::test
