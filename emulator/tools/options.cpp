#include "tools/options.hpp"

#include <cstdlib>
#include <stdexcept>

namespace ptxvm::tools {

const char* const usage =
    "usage: ptxvm-mutate [--kernel REGEX] [--seeds N] [--list] [--jobs N] [--timeout S] [--check LEVEL] -- COMMAND ARGS...\n"
    "\n"
    "Runs COMMAND, which must succeed, then once per piece of synchronisation in the kernels that it launched, with\n"
    "that piece taken away: a fence or barrier removed, an order weakened, a scope narrowed. A test that is worth its\n"
    "time fails then; what it does not notice is listed as survived.\n"
    "\n"
    "  --kernel REGEX  only kernels and functions whose name has a match\n"
    "  --seeds N       try each mutation under PTXVM_SEED=1..N, until one catches it (1)\n"
    "  --list          list the mutations, run none\n"
    "  --jobs N        runs at a time (1)\n"
    "  --timeout S     seconds a run may take; one that takes longer counts as caught\n"
    "                  (ten times the unchanged run's, and 10 more)\n"
    "  --check LEVEL   PTXVM_CHECK of every run: full, which finds races whatever the order of a run; fast or off,\n"
    "                  where only results and deadlocks tell (full)\n"
    "\n"
    "Exit code: 0 where none survived, 1 where one did, 2 where it could not be found out.\n";

namespace {

double number(const std::string& option, const std::string& text, double least, double most) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != 0 || !(value >= least && value <= most))
    throw std::invalid_argument(option + " " + text + ": a number from " + std::to_string(int(least)) + " to " +
                                std::to_string(int(most)) + " is expected");
  return value;
}

int whole(const std::string& option, const std::string& text) {
  const double value = number(option, text, 1, 1000000);
  if (value != int(value)) throw std::invalid_argument(option + " " + text + ": a whole number is expected");
  return int(value);
}

}  // namespace

Options read_options(int argc, char** argv) {
  Options o;
  int k = 1;
  for (; k < argc; ++k) {
    const std::string word = argv[k];
    if (word == "--") {
      ++k;
      break;
    }
    if (word == "--help" || word == "-h") {
      o.help = true;
      return o;
    }
    if (word == "--list") {
      o.list_only = true;
      continue;
    }
    if (word != "--kernel" && word != "--seeds" && word != "--jobs" && word != "--timeout" && word != "--check")
      throw std::invalid_argument("unknown option " + word + " (COMMAND follows --)");
    if (k + 1 >= argc) throw std::invalid_argument(word + " needs a value");
    const std::string value = argv[++k];
    if (word == "--kernel") {
      try {
        o.kernel = std::regex(value);
      } catch (const std::regex_error& e) {
        throw std::invalid_argument("--kernel " + value + " is no regular expression: " + e.what());
      }
    } else if (word == "--check") {
      if (value != "full" && value != "fast" && value != "off")
        throw std::invalid_argument("--check " + value + ": full, fast or off is expected");
      o.check = value;
    } else if (word == "--seeds") {
      o.seeds = whole(word, value);
    } else if (word == "--jobs") {
      o.jobs = whole(word, value);
    } else {
      o.timeout = number(word, value, 0, 1000000);
    }
  }
  o.command.assign(argv + k, argv + argc);
  if (o.command.empty()) throw std::invalid_argument("no COMMAND");
  return o;
}

}  // namespace ptxvm::tools
