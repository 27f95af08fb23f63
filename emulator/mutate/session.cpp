#include "mutate/session.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "support/environment.hpp"
#include "support/error.hpp"
#include "support/format.hpp"

namespace ptxvm::mutate {
namespace {

// Empty where it is not wanted.
const std::string& list_file() {
  static const std::string& name = *new std::string(environment_word("PTXVM_MUTATE_LIST", ""));
  return name;
}

// One write a record: processes that share the file do not mix their lines.
void record(const std::vector<std::string>& fields) {
  std::string line;
  for (const std::string& field : fields) {
    if (!line.empty()) line += '\t';
    for (const char c : field) line += c == '\t' || c == '\n' ? ' ' : c;
  }
  line += '\n';
  const int file = ::open(list_file().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file < 0 || ::write(file, line.data(), line.size()) != ssize_t(line.size())) {
    if (file >= 0) ::close(file);
    throw Error(Status::InvalidValue, "PTXVM_MUTATE_LIST=" + list_file() + " cannot be written");
  }
  ::close(file);
}

// FNV-1a: the name of a module is its text.
std::string hash_of(std::string_view text) {
  std::uint64_t h = 0xcbf29ce484222325u;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return format("%016llx", static_cast<unsigned long long>(h));
}

std::string source_of(const ptx::Module& module, const ptx::Instruction& i) {
  if (i.source_file <= 0 || std::size_t(i.source_file) >= module.files.size()) return "";
  return module.files[std::size_t(i.source_file)] + ":" + std::to_string(i.source_line);
}

// PTXVM_MUTATE's two parts; false where it is not set.
bool wanted(std::string* hash, std::size_t* number) {
  const std::string value = environment_word("PTXVM_MUTATE", "");
  if (value.empty()) return false;
  const std::size_t colon = value.find(':');
  char* end = nullptr;
  if (colon == 16 && value.size() > 17) *number = std::strtoull(value.c_str() + 17, &end, 10);
  if (end == nullptr || *end != 0)
    throw Error(Status::InvalidValue, "PTXVM_MUTATE=" + value + " is not of the form MODULE:NUMBER (16 digits, a number)");
  *hash = value.substr(0, 16);
  return true;
}

}  // namespace

Session::Session(std::string_view text, ptx::Module& module) {
  std::string wanted_hash;
  std::size_t wanted_number = 0;
  const bool mutate = wanted(&wanted_hash, &wanted_number);
  if (list_file().empty() && !mutate) return;
  hash_ = hash_of(text);
  const std::vector<Mutation> mutations = list(module);
  if (!list_file().empty()) {
    for (std::size_t n = 0; n < mutations.size(); ++n) {
      const ptx::Function& f = module.functions[mutations[n].function];
      const ptx::Instruction& i = f.body[mutations[n].places[0]];
      record({"mutation", hash_, std::to_string(n), f.name, std::to_string(i.line), source_of(module, i), mutations[n].text});
      places_.push_back({i.line, n});
    }
  }
  if (!mutate || wanted_hash != hash_) return;
  if (wanted_number >= mutations.size())
    throw Error(Status::InvalidValue, format("PTXVM_MUTATE asks for mutation %zu of a module that has %zu", wanted_number, mutations.size()));
  mutated_function_ = module.functions[mutations[wanted_number].function].name;
  number_ = wanted_number;
  apply(module, mutations[wanted_number]);
}

void Session::loaded(exec::Program& program) const {
  if (list_file().empty()) return;
  if (!mutated_function_.empty()) {
    const std::string refusal = program.refusal(mutated_function_);
    if (refusal.empty()) record({"applied", hash_, std::to_string(number_)});
    else record({"refused", hash_, std::to_string(number_), refusal});
    return;
  }
  program.watch([hash = hash_, places = places_](int line) {
    for (const Place& p : places)
      if (p.line == line) record({"executed", hash, std::to_string(p.number)});
  });
}

void note_fault(const std::string& message) {
  if (!list_file().empty()) record({"fault", message.substr(0, message.find('\n'))});
}

}  // namespace ptxvm::mutate
