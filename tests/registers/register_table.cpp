#include "register_table.hpp"

#include <algorithm>
#include <set>
#include <sstream>
#include <stdexcept>

namespace recur::test {
namespace {

constexpr char kHead[] = R"(# Registers

Registers a thread of every kernel of librecur.a, read out of its machine code. No kernel has a stack frame: spilled registers
would lie there, so there is no spill store and no spill load on any of these architectures. A kernel with a frame would show
here as "40, stack 288".

Made by `recur_registers`; the test `registers_test` compares the library with it, for the architectures that it was built for,
and tells how to make it again.

)";
constexpr char kCompiler[] = "Compiled by ptxas, ";
constexpr char kColumn[] = "sm_";

std::set<int> architectures(const Library& library) {
  std::set<int> all;
  for (const auto& [kernel, by_architecture] : library.kernels)
    for (const auto& [architecture, needs] : by_architecture) all.insert(architecture);
  return all;
}

std::string cell(const Resources& needs) {
  return std::to_string(needs.registers) + (needs.stack > 0 ? ", stack " + std::to_string(needs.stack) : "");
}

// "| a | b |" gives a and b.
std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  for (size_t at = 2, end; (end = line.find(" |", at)) != std::string::npos; at = end + 3)
    cells.push_back(line.substr(at, end - at));
  return cells;
}

std::string of(const KernelName& kernel) { return "`" + kernel.name + "` of " + kernel.object; }

}  // namespace

std::string write_table(const Library& library) {
  const std::set<int> columns = architectures(library);
  std::ostringstream text;
  text << kHead << kCompiler << library.compiler << ".\n";
  std::string object;
  for (const auto& [kernel, by_architecture] : library.kernels) {
    if (kernel.object != object) {
      object = kernel.object;
      text << "\n## " << object << "\n\n| kernel |";
      for (int column : columns) text << ' ' << kColumn << column << " |";
      text << "\n| --- |";
      for (size_t k = 0; k < columns.size(); ++k) text << " --: |";
      text << '\n';
    }
    text << "| `" << kernel.name << "` |";
    for (int column : columns) {
      const auto needs = by_architecture.find(column);
      text << ' ' << (needs == by_architecture.end() ? "none" : cell(needs->second)) << " |";
    }
    text << '\n';
  }
  return text.str();
}

Library read_table(const std::string& markdown) {
  Library table;
  std::istringstream lines(markdown);
  std::string line, object;
  std::vector<int> columns;
  while (std::getline(lines, line)) {
    if (line.rfind(kCompiler, 0) == 0) {
      table.compiler = line.substr(sizeof kCompiler - 1);
      table.compiler.pop_back();  // the full stop
    } else if (line.rfind("## ", 0) == 0) {
      object = line.substr(3);
    } else if (line.rfind("| kernel |", 0) == 0) {
      columns.clear();
      for (const std::string& name : cells_of(line))
        if (name.rfind(kColumn, 0) == 0) columns.push_back(std::stoi(name.substr(sizeof kColumn - 1)));
    } else if (line.rfind("| `", 0) == 0) {
      const std::vector<std::string> cells = cells_of(line);
      if (cells.size() != columns.size() + 1)
        throw std::runtime_error("the table's line is damaged: " + line);
      auto& row = table.kernels[{object, cells[0].substr(1, cells[0].size() - 2)}];
      for (size_t k = 0; k < columns.size(); ++k) {
        if (cells[k + 1] == "none") continue;
        Resources& needs = row[columns[k]];
        const size_t stack = cells[k + 1].find(", stack ");
        needs.registers = std::stoi(cells[k + 1]);
        if (stack != std::string::npos) needs.stack = std::stoi(cells[k + 1].substr(stack + 8));
      }
    }
  }
  return table;
}

std::vector<std::string> differences(const Library& library, const Library& table) {
  std::vector<std::string> all;
  const std::set<int> built = architectures(library), listed = architectures(table);
  for (const auto& [kernel, by_architecture] : library.kernels) {
    const auto row = table.kernels.find(kernel);
    if (row == table.kernels.end()) all.push_back("The table lacks " + of(kernel) + ".");
    for (const auto& [architecture, needs] : by_architecture) {
      const std::string where = of(kernel) + " on sm_" + std::to_string(architecture);
      if (needs.stack > 0)
        all.push_back(where + " has a stack frame of " + std::to_string(needs.stack) +
                      " bytes: it spills, or has an "
                      "array in local memory. Give it more registers (its launch bounds) or less to keep.");
      if (row == table.kernels.end() || listed.count(architecture) == 0) continue;
      const auto said = row->second.find(architecture);
      if (said == row->second.end()) {
        all.push_back("The table has nothing for " + where + ".");
      } else if (library.compiler == table.compiler && cell(said->second) != cell(needs)) {
        all.push_back("The table says " + cell(said->second) + " registers for " + where + ", and it takes " +
                      cell(needs) + ".");
      }
    }
  }
  for (const auto& [kernel, row] : table.kernels) {
    const bool compared =
        std::any_of(row.begin(), row.end(), [&](const auto& said) { return built.count(said.first) > 0; });
    if (compared && library.kernels.count(kernel) == 0)
      all.push_back("The table lists " + of(kernel) + ", which the library does not have.");
  }
  return all;
}

}  // namespace recur::test
