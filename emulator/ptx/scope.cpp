#include "ptx/scope.hpp"

#include <charconv>
#include <utility>

namespace ptxvm::ptx {

Scopes::Scopes(Function& function) : function_(function) { open(); }

void Scopes::open() { scopes_.emplace_back(); }

void Scopes::close() {
  Scope scope = std::move(scopes_.back());
  scopes_.pop_back();
  std::vector<LabelUse>& outer = scopes_.empty() ? unresolved_ : scopes_.back().uses;
  for (const LabelUse& use : scope.uses) {
    const auto found = scope.labels.find(*use.use);
    if (found == scope.labels.end()) {
      outer.push_back(use);
    } else {
      *use.use = found->second;
    }
  }
}

bool Scopes::declare_register(std::string_view name, Type type) {
  const int index = static_cast<int>(function_.registers.size());
  if (!scopes_.back().registers.emplace(name, RegisterRange{index, 0}).second) return false;
  function_.registers.push_back({std::string(name), type});
  return true;
}

bool Scopes::declare_registers(std::string_view prefix, unsigned count, Type type) {
  const int first = static_cast<int>(function_.registers.size());
  if (!scopes_.back().ranges.emplace(prefix, RegisterRange{first, count}).second) return false;
  for (unsigned i = 0; i < count; ++i) {
    function_.registers.push_back({std::string(prefix) + std::to_string(i), type});
  }
  return true;
}

std::string Scopes::declare_variable(std::string_view name) {
  const auto [place, inserted] = scopes_.back().variables.emplace(name, std::string());
  if (!inserted) return {};
  return place->second = unique(name);
}

std::string Scopes::declare_label(std::string_view name) {
  const auto [place, inserted] = scopes_.back().labels.emplace(name, std::string());
  if (!inserted) return {};
  return place->second = unique(name);
}

int Scopes::find_register(std::string_view name) const {
  std::size_t digits = name.size();
  while (digits > 0 && name[digits - 1] >= '0' && name[digits - 1] <= '9') --digits;
  // A range's names have no leading zeros, and its prefix may itself end in digits (%r1<4> holds %r12).
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    if (const auto found = scope->registers.find(name); found != scope->registers.end()) {
      return found->second.first;
    }
    for (std::size_t split = digits; split < name.size(); ++split) {
      const auto found = scope->ranges.find(name.substr(0, split));
      if (found == scope->ranges.end()) continue;
      if (name[split] == '0' && split + 1 < name.size()) continue;
      unsigned number = 0;
      const auto result = std::from_chars(name.data() + split, name.data() + name.size(), number);
      if (result.ec == std::errc() && number < found->second.count) {
        return found->second.first + static_cast<int>(number);
      }
    }
  }
  return -1;
}

const std::string* Scopes::find_variable(std::string_view name) const {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    if (const auto found = scope->variables.find(name); found != scope->variables.end()) {
      return &found->second;
    }
  }
  return nullptr;
}

void Scopes::use_label(std::string* use, int line) { scopes_.back().uses.push_back({use, line}); }

void Scopes::reserve(std::string_view name) { taken_.emplace(name, 1); }

std::string Scopes::unique(std::string_view name) {
  std::string flat(name);
  const unsigned uses = taken_[flat]++;
  if (uses > 0) flat += "@" + std::to_string(uses);
  return flat;
}

}  // namespace ptxvm::ptx
