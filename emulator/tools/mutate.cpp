// ptxvm-mutate: does a test notice when a kernel lacks a piece of its synchronisation? See options.cpp for its use,
// mutate/session.hpp for how it talks with the emulator inside the command.
#include <cxxabi.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "tools/options.hpp"
#include "tools/process.hpp"

namespace ptxvm::tools {
namespace {

struct Mutation {
  std::string module;  // hash of its text
  int number = 0;
  std::string function, source, text;
  int line = 0;
  bool executed = false;
  enum class Fate { NotRun, Caught, Survived, Unknown } fate = Fate::NotRun;
  std::string why;     // first line of the message
};

// What the emulator wrote of one run.
struct Records {
  std::map<std::pair<std::string, int>, Mutation> mutations;
  std::set<std::pair<std::string, int>> applied;
  std::vector<std::string> faults;
  std::string refusal;
};

Records read_records(const std::string& file) {
  Records r;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    std::vector<std::string> f;
    std::istringstream fields(line);
    for (std::string field; std::getline(fields, field, '\t');) f.push_back(field);
    if (f.size() >= 2 && f[0] == "fault") r.faults.push_back(f[1]);
    if (f.size() < 3) continue;
    const std::pair<std::string, int> key{f[1], std::atoi(f[2].c_str())};
    if (f[0] == "executed") r.mutations[key].executed = true;
    else if (f[0] == "applied") r.applied.insert(key);
    else if (f[0] == "refused" && f.size() > 3) r.refusal = f[3];
    else if (f[0] == "mutation" && f.size() >= 7) {
      Mutation& m = r.mutations[key];
      m.module = f[1], m.number = key.second, m.function = f[3], m.line = std::atoi(f[4].c_str()), m.source = f[5], m.text = f[6];
    }
  }
  return r;
}

std::string demangled(const std::string& name) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), std::free);
  return status == 0 && text ? text.get() : name;
}

// A file for the records of a run, gone with it.
class RecordFile {
 public:
  RecordFile() {
    const char* folder = std::getenv("TMPDIR");
    std::string pattern = std::string(folder ? folder : "/tmp") + "/ptxvm-mutate-XXXXXX";
    const int file = ::mkstemp(pattern.data());
    if (file < 0) throw std::runtime_error("no temporary file " + pattern);
    ::close(file);
    name_ = pattern;
  }
  RecordFile(const RecordFile&) = delete;
  RecordFile& operator=(const RecordFile&) = delete;
  ~RecordFile() { ::unlink(name_.c_str()); }
  const std::string& name() const { return name_; }

 private:
  std::string name_;
};

std::string first_line(const Ending& end) {
  const std::size_t at = end.output.rfind("ptxvm: ", 0) == 0 ? 0 : end.output.find("\nptxvm: ");
  if (at != std::string::npos) {
    const std::size_t from = end.output.find("ptxvm: ", at) + 7;
    return end.output.substr(from, end.output.find('\n', from) - from);
  }
  return end.timed_out ? "timed out" : end.signal ? "ended by signal " + std::to_string(end.signal)
                                                  : "exit code " + std::to_string(end.exit_code);
}

void try_one(const Options& o, double timeout, std::size_t usual_faults, Mutation& m) {
  for (int seed = 1; seed <= o.seeds; ++seed) {
    const RecordFile file;
    std::vector<std::pair<std::string, std::string>> environment = {
        {"PTXVM_CHECK", o.check},
        {"PTXVM_MUTATE_LIST", file.name()},
        {"PTXVM_MUTATE", m.module + ":" + std::to_string(m.number)}};
    if (o.seeds > 1) environment.emplace_back("PTXVM_SEED", std::to_string(seed));
    const Ending end = run(o.command, environment, timeout);
    const Records r = read_records(file.name());
    if (!r.refusal.empty() || r.applied.empty()) {
      m.fate = Mutation::Fate::Unknown;
      m.why = r.refusal.empty() ? "the run did not load the code again" : "the mutated code is refused: " + r.refusal;
      return;
    }
    if (!end.good() || r.faults.size() > usual_faults) {
      m.fate = Mutation::Fate::Caught;
      m.why = r.faults.size() > usual_faults ? r.faults.front() : first_line(end);
      if (o.seeds > 1) m.why += " (seed " + std::to_string(seed) + ")";
      return;
    }
    m.fate = Mutation::Fate::Survived;
  }
}

void print(const std::vector<Mutation>& mutations, bool list_only) {
  std::string function;
  for (const Mutation& m : mutations) {
    if (m.function != function) std::printf("\n%s\n", demangled(function = m.function).c_str());
    const char* fate = list_only ? (m.executed ? "" : "not executed")
                       : m.fate == Mutation::Fate::Caught   ? "caught"
                       : m.fate == Mutation::Fate::Survived ? "SURVIVED"
                       : m.fate == Mutation::Fate::Unknown  ? "UNKNOWN"
                                                            : "not executed";
    const std::size_t slash = m.source.rfind('/');
    std::printf("  %-12s  PTX line %-6d %-24s %s\n", fate, m.line,
                slash == std::string::npos ? m.source.c_str() : m.source.c_str() + slash + 1, m.text.c_str());
    if (!m.why.empty()) std::printf("  %-12s    %s\n", "", m.why.c_str());
  }
}

int mutate(const Options& o) {
  const RecordFile file;
  const auto begin = std::chrono::steady_clock::now();
  const Ending unchanged = run(o.command, {{"PTXVM_CHECK", o.check}, {"PTXVM_MUTATE_LIST", file.name()}, {"PTXVM_MUTATE", ""}},
                               o.timeout > 0 ? o.timeout : 24 * 3600);
  const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (!unchanged.good()) {
    std::fprintf(stderr, "%s\nptxvm-mutate: the unchanged command fails: %s\n", unchanged.output.c_str(), first_line(unchanged).c_str());
    return 2;
  }
  const Records baseline = read_records(file.name());
  std::vector<Mutation> mutations;
  for (const auto& [key, m] : baseline.mutations)
    if (std::regex_search(m.function, o.kernel) || std::regex_search(demangled(m.function), o.kernel)) mutations.push_back(m);
  std::stable_sort(mutations.begin(), mutations.end(), [](const Mutation& a, const Mutation& b) {
    return a.module != b.module ? a.module < b.module : a.number < b.number;
  });
  if (mutations.empty()) {
    std::fprintf(stderr, "ptxvm-mutate: the command loaded no PTX%s with synchronisation in it\n", baseline.mutations.empty() ? "" : " of that name");
    return 2;
  }
  if (!o.list_only) {
    std::atomic<std::size_t> next{0};
    std::mutex output;
    std::string trouble;
    const double timeout = o.timeout > 0 ? o.timeout : 10 * took + 10;
    const auto work = [&] {
      for (std::size_t k; (k = next++) < mutations.size();) {
        if (!mutations[k].executed) continue;
        try {
          try_one(o, timeout, baseline.faults.size(), mutations[k]);
        } catch (const std::exception& e) {
          const std::lock_guard<std::mutex> lock(output);
          trouble = e.what();
          return;
        }
      }
    };
    std::vector<std::thread> others;
    for (int k = 1; k < o.jobs; ++k) others.emplace_back(work);
    work();
    for (std::thread& t : others) t.join();
    if (!trouble.empty()) throw std::runtime_error(trouble);
  }
  print(mutations, o.list_only);
  const auto count = [&](Mutation::Fate fate) {
    return int(std::count_if(mutations.begin(), mutations.end(), [&](const Mutation& m) { return m.executed && m.fate == fate; }));
  };
  const int idle = int(std::count_if(mutations.begin(), mutations.end(), [](const Mutation& m) { return !m.executed; }));
  if (o.list_only) {
    std::printf("\n%zu mutations, %d of them in code that was not executed\n", mutations.size(), idle);
    return 0;
  }
  const int survived = count(Mutation::Fate::Survived), unknown = count(Mutation::Fate::Unknown);
  std::printf("\n%d caught, %d survived, %d unknown, %d not executed\n", count(Mutation::Fate::Caught), survived, unknown, idle);
  return unknown ? 2 : survived ? 1 : 0;
}

}  // namespace
}  // namespace ptxvm::tools

int main(int argc, char** argv) {
  using namespace ptxvm::tools;
  try {
    const Options options = read_options(argc, argv);
    if (options.help) {
      std::fputs(usage, stdout);
      return 0;
    }
    return mutate(options);
  } catch (const std::invalid_argument& e) {
    std::fprintf(stderr, "ptxvm-mutate: %s\n%s", e.what(), usage);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "ptxvm-mutate: %s\n", e.what());
  }
  return 2;
}
