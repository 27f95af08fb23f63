// The variables PTXVM_*: one table says what each may hold, and a value outside of that is refused before
// anything is done, by name and with what would be accepted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ptxvm {

struct EnvironmentVariable {
  enum class Kind {
    Number,  // decimal or 0x...; from least to most
    Flag,    // 0 or 1
    Word,    // one of `words`; where there are none its reader checks it
    List,    // some of `words`, with commas between
    Place    // one of `words`, and then perhaps :FILE
  };
  const char* name;
  Kind kind;
  std::uint64_t least = 0, most = 0;
  std::vector<const char*> words = {};
};

// In the order of their names.
const std::vector<EnvironmentVariable>& environment_variables();

// Throws Error (InitializationError) for a variable of the table whose value is not accepted. A name that
// begins with PTXVM_ and is not in the table is told of on stderr: it may be the program's own.
void check_environment();

// The values; the default where the variable is missing, empty or (after a failed check) not accepted.
std::uint64_t environment_number(const char* name, std::uint64_t otherwise);
bool environment_flag(const char* name, bool otherwise);
std::string environment_word(const char* name, const char* otherwise);

}  // namespace ptxvm
