// What the kernels of a built static library or program take: read out of the machine code that they carry.
#pragma once

#include <map>
#include <string>

namespace recur::test {

struct Resources {
  int registers = 0, stack = 0;  // a thread; bytes. Spilled registers lie in the stack frame
};

// A kernel: the object file that holds it and its demangled name, without namespaces and arguments.
struct KernelName {
  std::string object, name;
  bool operator<(const KernelName& other) const {
    return object != other.object ? object < other.object : name < other.name;
  }
};

struct Library {
  std::map<KernelName, std::map<int, Resources>> kernels;  // by architecture: 90 for sm_90
  std::string compiler;                                    // "release 13.0, V13.0.88"
};

// Throws std::runtime_error where the file cannot be read, holds no kernel, or two kernels have one name.
Library read_library(const std::string& path);

// Of a program that holds kernels: by mangled name, then by architecture. Throws std::runtime_error where the file cannot
// be read or is no program with kernels.
std::map<std::string, std::map<int, Resources>> read_program(const std::string& path);

// Demangled, without namespaces and arguments.
std::string readable_name(const std::string& mangled);

}  // namespace recur::test
