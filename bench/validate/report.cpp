#include "bench/validate/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace recur::validate {
namespace {

constexpr const char* names[] = {"y", "hT", "cT", "dx", "dh0", "dc0", "dW_ih", "dW_hh", "db", "dW_hr", "dpeephole"};
constexpr size_t number_width = 6;

size_t width_of(const char* name) { return std::max(number_width, std::string(name).size()); }

std::string number(double tolerances) { return fmt::format(tolerances < 99.9995 ? "{:.3f}" : "{:.2e}", tolerances); }

// The outcome that is the farthest off, or null where nothing was compared.
const Outcome* worst_of(const std::vector<Outcome>& outcomes) {
  const Outcome* worst = nullptr;
  for (const Outcome& outcome : outcomes) {
    if (!outcome.compared()) continue;
    if (!worst || outcome.comparison.worst().worst.tolerances > worst->comparison.worst().worst.tolerances)
      worst = &outcome;
  }
  return worst;
}

std::string again(const Outcome& outcome, const std::string& program) {
  return fmt::format("{} {} --reference {}", program, outcome.network, outcome.reference);
}

std::string described(const Outcome& outcome) {
  const TensorError& error = outcome.comparison.worst();
  return fmt::format("{}{} of '{}' against {}: {}", error.tensor, error.where.empty() ? "" : " (" + error.where + ")",
                     outcome.network, outcome.reference, error.worst.text());
}

}  // namespace

Table::Table(const std::vector<std::string>& networks, const std::vector<std::string>& references)
    : network_width_(4), reference_width_(9) {
  for (const std::string& text : networks) network_width_ = std::max(network_width_, text.size());
  for (const std::string& text : references) reference_width_ = std::max(reference_width_, text.size());
}

std::string Table::head() const {
  std::string line = fmt::format("| {:<{}} | {:<{}} |", "case", network_width_, "reference", reference_width_);
  std::string rule = fmt::format("| {:-<{}} | {:-<{}} |", "", network_width_, "", reference_width_);
  for (const char* name : names) {
    line += fmt::format(" {:>{}} |", name, width_of(name));
    rule += fmt::format(" {:->{}}: |", "", width_of(name) - 1);
  }
  return line + " verdict |\n" + rule + " ------- |\n";
}

std::string Table::row(const Outcome& outcome) const {
  std::string line =
      fmt::format("| {:<{}} | {:<{}} |", outcome.network, network_width_, outcome.reference, reference_width_);
  if (!outcome.failed.empty()) return line + " recur FAILED: " + outcome.failed + " |\n";
  if (!outcome.refused.empty()) return line + " not compared: " + outcome.refused + " |\n";
  for (size_t k = 0; k < outcome.comparison.tensors.size(); ++k) {
    const TensorError& error = outcome.comparison.tensors[k];
    line += fmt::format(" {:>{}} |", error.present ? number(error.worst.tolerances) : "-", width_of(names[k]));
  }
  return line + (outcome.ok() ? " within  |\n" : " BEYOND  |\n");
}

std::string summary(const std::vector<Outcome>& outcomes, const std::string& program) {
  size_t within = 0, beyond = 0, refused = 0, failed = 0;
  std::string faults;
  for (const Outcome& outcome : outcomes) {
    if (!outcome.failed.empty()) {
      ++failed;
      faults += fmt::format("FAILED: recur with '{}': {}\n    {}\n", outcome.network, outcome.failed,
                            again(outcome, program));
    } else if (!outcome.refused.empty()) {
      ++refused;
    } else if (outcome.ok()) {
      ++within;
    } else {
      ++beyond;
      faults += fmt::format("BEYOND: {}\n    {}\n", described(outcome), again(outcome, program));
    }
  }
  std::string text = fmt::format("{} comparisons within tolerance, {} beyond", within, beyond);
  if (refused > 0) text += fmt::format("; {} not made, as the table says", refused);
  if (failed > 0) text += fmt::format("; recur itself failed {} times", failed);
  text += ".\n" + faults;
  if (const Outcome* worst = worst_of(outcomes))
    text += fmt::format("Worst: {}\n    {}\n", described(*worst), again(*worst, program));
  return text;
}

std::string json(const std::vector<Outcome>& outcomes, const std::string& device, const std::vector<std::string>& about,
                 const std::string& program) {
  // JSON has no infinity.
  using Json = nlohmann::ordered_json;
  const auto value = [](double tolerances) { return std::isfinite(tolerances) ? Json(tolerances) : Json("infinite"); };
  Json all = {{"device", device}, {"references", about}, {"unit", "tolerances"}, {"comparisons", Json::array()}};
  for (const Outcome& outcome : outcomes) {
    Json one = {{"case", outcome.network}, {"reference", outcome.reference}, {"again", again(outcome, program)}};
    if (!outcome.failed.empty()) {
      one["failed"] = outcome.failed;
    } else if (!outcome.refused.empty()) {
      one["refused"] = outcome.refused;
    } else {
      one["within"] = outcome.ok();
      for (const TensorError& error : outcome.comparison.tensors)
        if (error.present) one["errors"][error.tensor] = value(error.worst.tolerances);
      one["worst"] = described(outcome);
    }
    all["comparisons"].push_back(one);
  }
  if (const Outcome* worst = worst_of(outcomes))
    all["worst"] = {{"case", worst->network},
                    {"reference", worst->reference},
                    {"tensor", worst->comparison.worst().tensor},
                    {"tolerances", value(worst->comparison.worst().worst.tolerances)},
                    {"again", again(*worst, program)}};
  return all.dump(2) + "\n";
}

}  // namespace recur::validate
