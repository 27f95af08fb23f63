#include "support/environment.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "support/error.hpp"

namespace ptxvm {
namespace {

using Kind = EnvironmentVariable::Kind;
constexpr std::uint64_t any = ~std::uint64_t{0};
constexpr const char* prefix = "PTXVM_";

// "1,000", "12 " or "-1" are no numbers, though strtoull would take part of them.
std::optional<std::uint64_t> number(const char* text) {
  if (std::isdigit(static_cast<unsigned char>(*text)) == 0) return std::nullopt;
  char* end = nullptr;
  errno = 0;
  const std::uint64_t value = std::strtoull(text, &end, 0);
  if (*end != '\0' || errno != 0) return std::nullopt;
  return value;
}

const EnvironmentVariable* find(std::string_view name) {
  for (const EnvironmentVariable& v : environment_variables())
    if (name == v.name) return &v;
  return nullptr;
}

bool accepted(const EnvironmentVariable& v, const char* value) {
  switch (v.kind) {
    case Kind::Number: {
      const auto n = number(value);
      return n && *n >= v.least && *n <= v.most;
    }
    case Kind::Flag:
      return std::strcmp(value, "0") == 0 || std::strcmp(value, "1") == 0;
    case Kind::Word:
      for (const char* word : v.words)
        if (std::strcmp(value, word) == 0) return true;
      return v.words.empty();
    case Kind::List: {
      std::string_view rest = value;
      while (true) {
        const std::size_t comma = rest.find(',');
        if (std::find(v.words.begin(), v.words.end(), rest.substr(0, comma)) == v.words.end()) return false;
        if (comma == rest.npos) return true;
        rest.remove_prefix(comma + 1);
      }
    }
    case Kind::Place: {
      const char* colon = std::strchr(value, ':');
      const std::string_view first =
          colon == nullptr ? value : std::string_view(value, std::size_t(colon - value));
      return std::find(v.words.begin(), v.words.end(), first) != v.words.end() &&
             (colon == nullptr || colon[1] != '\0');
    }
  }
  return false;
}

std::string wanted(const EnvironmentVariable& v) {
  if (v.kind == Kind::Flag) return "0 or 1";
  if (v.kind == Kind::Number) {
    const std::string least = std::to_string(v.least);
    return v.most == any ? "a number from " + least + " on"
                         : "a number from " + least + " to " + std::to_string(v.most);
  }
  std::string words;
  for (const char* word : v.words) words += (words.empty() ? "" : ", ") + std::string(word);
  if (v.kind == Kind::List) return "any of " + words + ", with commas between,";
  return "one of " + words + (v.kind == Kind::Place ? ", and then perhaps :FILE," : "");
}

// Null where the variable is missing or empty, or holds what is not accepted.
const char* value_of(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return nullptr;
  const EnvironmentVariable* v = find(name);
  return v == nullptr || accepted(*v, value) ? value : nullptr;
}

}  // namespace

const std::vector<EnvironmentVariable>& environment_variables() {
  static const auto* const table = new std::vector<EnvironmentVariable>{
      {"PTXVM_ABORT_ON_FAULT", Kind::Flag},
      {"PTXVM_APPROX", Kind::Word, 0, 0, {"exact", "worst"}},
      {"PTXVM_BLAS_THREADS", Kind::Number, 1, 256},
      {"PTXVM_CHECK", Kind::Word, 0, 0, {"off", "fast", "full"}},
      {"PTXVM_COUNTERS", Kind::Place, 0, 0, {"table", "json", "lines"}},
      {"PTXVM_DEVICE", Kind::Word},
      {"PTXVM_LEAKS", Kind::Flag},
      {"PTXVM_MMA", Kind::Word, 0, 0, {"exact", "truncate"}},
      {"PTXVM_MUTATE", Kind::Word},
      {"PTXVM_MUTATE_LIST", Kind::Word},
      {"PTXVM_POISON", Kind::Flag},
      {"PTXVM_SEED", Kind::Number, 0, any},
      {"PTXVM_STRICT", Kind::List, 0, 0, {"tear", "split"}},
      {"PTXVM_THREADS", Kind::Number, 1, 1024},
      {"PTXVM_TIMEOUT", Kind::Number, 0, any},
      {"PTXVM_VECTOR_UNIT", Kind::Word, 0, 0, {"v1", "v3", "v4"}},
  };
  return *table;
}

void check_environment() {
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    if (std::strncmp(*entry, prefix, std::strlen(prefix)) != 0) continue;
    const char* equals = std::strchr(*entry, '=');
    if (equals == nullptr) continue;
    const std::string name(*entry, std::size_t(equals - *entry));
    const EnvironmentVariable* v = find(name);
    if (v == nullptr) {
      std::string known;
      for (const EnvironmentVariable& k : environment_variables()) known += " " + std::string(k.name);
      std::fprintf(stderr, "ptxvm: %s means nothing to ptxvm; its variables are:%s\n", name.c_str(),
                   known.c_str());
    } else if (equals[1] != '\0' && !accepted(*v, equals + 1)) {
      throw Error(Status::InitializationError,
                  name + "=" + (equals + 1) + " is not accepted; " + wanted(*v) + " is");
    }
  }
}

std::uint64_t environment_number(const char* name, std::uint64_t otherwise) {
  const char* value = value_of(name);
  const auto n = value == nullptr ? std::nullopt : number(value);
  return n ? *n : otherwise;
}

bool environment_flag(const char* name, bool otherwise) {
  const char* value = value_of(name);
  return value == nullptr ? otherwise : std::strcmp(value, "1") == 0;
}

std::string environment_word(const char* name, const char* otherwise) {
  const char* value = value_of(name);
  return value == nullptr ? otherwise : value;
}

}  // namespace ptxvm
