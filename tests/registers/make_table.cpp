// recur_registers LIBRARY: the table of docs/kernels/registers.md on stdout.
#include <cstdio>
#include <exception>

#include "register_table.hpp"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: recur_registers LIBRARY\n");
    return 2;
  }
  try {
    std::fputs(recur::test::write_table(recur::test::read_library(argv[1])).c_str(), stdout);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "recur_registers: %s\n", error.what());
    return 1;
  }
  return 0;
}
