// The committed table of registers: how it is written, read back, and compared with a library.
#pragma once

#include <string>
#include <vector>

#include "kernel_resources.hpp"

namespace recur::test {

// Markdown, one section an object file.
std::string write_table(const Library& library);

// Throws std::runtime_error at a line that write_table would not have written.
Library read_table(const std::string& markdown);

// One sentence for each difference, of the architectures that both have; a kernel with a stack frame is one
// in any case. Where another compiler made the library, numbers of registers are not compared.
std::vector<std::string> differences(const Library& library, const Library& table);

}  // namespace recur::test
