// recur_validate: networks through the library and through every reference that is there; one table of the errors of
// outputs and gradients, in units of the tolerance. Exit code 0: all within, 1: some beyond, 2: wrong input.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <new>
#include <set>

#include "bench/validate/report.hpp"
#include "recur/memory.hpp"
#include "tests/support/check_recur.hpp"

namespace recur::validate {
namespace {

struct WrongInput : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Options {
  std::vector<std::string> words, files, references;
  std::string json;
};

// A line that is written over and over on a terminal, and nothing elsewhere.
class Progress {
 public:
  void show(const std::string& text) const {
    if (terminal_) std::fprintf(stderr, "\r\033[K%.100s", text.c_str()), std::fflush(stderr);
  }
  void clear() const {
    if (terminal_) std::fprintf(stderr, "\r\033[K"), std::fflush(stderr);
  }

 private:
  const bool terminal_ = isatty(STDERR_FILENO);
};

struct Cases {
  std::vector<test::NetworkCase> all;
  std::vector<std::string> places;  // "file:line: " or ""
};

Cases read_cases(const Options& options) {
  Cases cases;
  try {
    if (!options.words.empty()) {
      cases.all.push_back(test::read_network_case(CLI::detail::join(options.words, " ")));
      cases.places.push_back("");
    }
    std::vector<std::string> files = options.files;
    if (cases.all.empty() && files.empty()) files.push_back(RECUR_TEST_DATA "/network_cases.txt");
    for (const std::string& file : files) {
      const std::vector<test::NetworkCase> read = test::read_network_cases(file, &cases.places);
      cases.all.insert(cases.all.end(), read.begin(), read.end());
      for (size_t k = cases.all.size() - read.size(); k < cases.all.size(); ++k) cases.places[k] += ": ";
    }
  } catch (const std::runtime_error& error) {
    throw WrongInput(error.what());
  }
  return cases;
}

// What the reference in double takes, roughly: it keeps inputs, gates and states of every step.
double reference_bytes(const reference::NetworkShape& s) {
  double elements = 0;
  for (int64_t layer = 0; layer < s.layers; ++layer) {
    const double H = double(s.hidden), G = double(s.gates()), in = double(s.layer_inputs(layer));
    elements += double(s.directions) *
                (double(s.steps) * double(s.batch) * (in + (G + 8) * H) + 4 * G * H * (in + double(s.state_size())));
  }
  return 8 * elements;
}

// Before anything runs: what the library refuses, and what would not fit.
void check(const Cases& cases) {
  const double memory = double(sysconf(_SC_PHYS_PAGES)) * double(sysconf(_SC_PAGE_SIZE));
  for (size_t k = 0; k < cases.all.size(); ++k) {
    const test::NetworkCase& network = cases.all[k];
    const auto refuse = [&](const std::string& why) {
      throw WrongInput(cases.places[k] + "'" + network.text + "': " + why);
    };
    recur_layer_plan* plan = nullptr;
    const recur_layer_descriptor descriptor = network.descriptor();
    const recur_status status = recur_layer_create(&plan, &descriptor);
    recur_layer_destroy(plan);
    if (status == RECUR_INVALID_ARGUMENT || status == RECUR_NOT_SUPPORTED) refuse(recur_last_error());
    if (status != RECUR_SUCCESS) throw Error(status, recur_last_error());
    if (const double bytes = reference_bytes(network.shape); bytes > memory)
      refuse("the reference in double would take about " + std::to_string(int64_t(bytes / 1e9)) +
             " GB, and this machine has " + std::to_string(int64_t(memory / 1e9)));
  }
}

// "cudnn" is each of its algorithms.
void select(References& references, const std::vector<std::string>& names) {
  if (names.empty()) return;
  std::vector<std::unique_ptr<Reference>> chosen;
  for (const std::string& name : std::set<std::string>(names.begin(), names.end())) {
    const size_t before = chosen.size();
    for (std::unique_ptr<Reference>& reference : references.all)
      if (reference && (reference->name() == name || reference->name().rfind(name + "-", 0) == 0))
        chosen.push_back(std::move(reference));
    if (chosen.size() > before) continue;
    std::string why = "--reference: there is no '" + name + "' here";
    for (const std::string& line : references.about)
      if (line.rfind("cudnn", 0) == 0 && name.rfind("cudnn", 0) == 0) why += "; " + line;
    throw WrongInput(why);
  }
  references.all = std::move(chosen);
}

std::vector<Outcome> run(const Cases& cases, const References& references, const Table* table) {
  const Progress progress;
  std::vector<Outcome> outcomes;
  for (size_t k = 0; k < cases.all.size(); ++k) {
    const std::string text = cases.all[k].text;
    const std::string at = "[" + std::to_string(k + 1) + "/" + std::to_string(cases.all.size()) + "] " + text;
    progress.show(at + ": fp64");
    const NetworkProblem problem(cases.all[k]);
    progress.show(at + ": recur");
    Results results;
    std::string failed;
    try {
      results = run_library(problem);
    } catch (const std::exception& error) {
      failed = error.what();
    }
    for (const std::unique_ptr<Reference>& reference : references.all) {
      Outcome outcome{text, reference->name(), "", failed, {}};
      if (failed.empty()) {
        progress.show(at + ": " + outcome.reference);
        try {
          outcome.comparison = compare(problem, results, reference->run(problem));
        } catch (const Refused& reason) {
          outcome.refused = reason.what();
        }
      }
      progress.clear();
      if (table) std::fputs(table->row(outcome).c_str(), stdout), std::fflush(stdout);
      outcomes.push_back(std::move(outcome));
    }
  }
  return outcomes;
}

int validate(const Options& options, const std::string& program) {
  const Cases cases = read_cases(options);
  check(cases);
  References references = make_references();
  select(references, options.references);
  // Told before the work, not after it.
  const bool to_stdout = options.json == "-";
  std::ofstream file;
  if (!options.json.empty() && !to_stdout) {
    file.open(options.json);
    if (!file) throw WrongInput("--json: '" + options.json + "' cannot be written");
  }

  std::vector<std::string> networks, names;
  for (const test::NetworkCase& network : cases.all) networks.push_back(network.text);
  for (const std::unique_ptr<Reference>& reference : references.all) names.push_back(reference->name());
  const Table table(networks, names);
  const std::string device = device_name();
  if (!to_stdout) {
    std::printf("Device: %s\n", device.c_str());
    for (const std::string& line : references.about) std::printf("%s\n", line.c_str());
    std::printf("Errors in units of the tolerance; above 1 is beyond it.\n\n%s", table.head().c_str());
  }
  const std::vector<Outcome> outcomes = run(cases, references, to_stdout ? nullptr : &table);
  if (!to_stdout) std::printf("\n%s", summary(outcomes, program).c_str());
  const std::string text = options.json.empty() ? "" : json(outcomes, device, references.about, program);
  if (to_stdout) std::fputs(text.c_str(), stdout);
  if (file.is_open() && !(file << text << std::flush))
    throw std::runtime_error("'" + options.json + "' could not be written to its end");
  for (const Outcome& outcome : outcomes)
    if (!outcome.ok()) return 1;
  return 0;
}

}  // namespace
}  // namespace recur::validate

int main(int count, char** values) {
  const std::string program = values[0];
  recur::validate::Options options;
  CLI::App app(
      "Runs recurrent networks through recur and through every reference that is there: fp64, oneDNN and, on a GPU,\n"
      "cuDNN with each of its algorithms. Prints one table of the errors of outputs and gradients.\n\n"
      "A case is: cell T N I H [L2] [D2] [P3] [peep] [clip] [drop] [ragged] [reset] [batch_first] [learned]\n"
      "  [nostates] [k1=2,k2=3] [fp32|tf32|fp16|bf16] [streamed|block]\n"
      "  cell: tanh relu identity lstm lstm_linear gru gru_before; T steps, N batch, I inputs, H hidden units,\n"
      "  L layers, D directions, P projection size, k1 and k2 truncated back-propagation\n"
      "Without a case or a file: those of tests/data/network_cases.txt.",
      program);
  app.add_option("case", options.words, "the words of one case");
  app.add_option("--file", options.files, "a file of cases, one a line, # begins a comment; may be given again")
      ->allow_extra_args(false);
  app.add_option(
         "--reference", options.references,
         "fp64, onednn, cudnn or one algorithm of it (cudnn-standard, cudnn-small-h-packed); may be given again")
      ->allow_extra_args(false);
  app.add_option("--json", options.json, "the table as JSON to this file; - in place of the table");
  try {
    app.parse(count, values);
    return recur::validate::validate(options, program);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "recur_validate: %s\n", error.what());
    return 2;
  } catch (const recur::validate::WrongInput& error) {
    std::fprintf(stderr, "recur_validate: %s\n", error.what());
    return 2;
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "recur_validate: a case does not fit into this machine's memory\n");
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "recur_validate: %s\n", error.what());
    return 1;
  }
}
