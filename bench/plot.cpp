#include "plot.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <vector>

#include "options.hpp"
#include "plot_script.hpp"

namespace recur::bench {
namespace {

using nlohmann::json;

// Microseconds a step; negative: none.
struct Point {
  std::string label;
  double recur = -1, cudnn = -1, published = -1;
};

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' || c == '\\' || c == '\n' ? ' ' : c;
  return out + "\"";
}

void fastest(double& best, double value) {
  if (value > 0 && (best < 0 || value < best)) best = value;
}

std::vector<Point> points_of(const json& results) {
  std::vector<Point> points;
  for (const json& row : results.at("layers")) {
    const double steps = row.at("steps");
    Point p;
    p.label = fmt::format("{}, {}", row.at("layer").get<std::string>(), row.at("pass").get<std::string>());
    if (row.contains("emulated"))
      p.recur = 1e6 * row.at("emulated").at("modelled_seconds").get<double>() / steps;
    if (row.contains("measured")) {
      for (const json& timing : row.at("measured")) {
        if (timing.contains("refused")) continue;
        const double us = 1e3 * timing.at("milliseconds_warm").at("median").get<double>() / steps;
        fastest(timing.at("name").get<std::string>().rfind("cuDNN", 0) == 0 ? p.cudnn : p.recur, us);
      }
    }
    for (const json& published : row.at("published"))
      fastest(p.published, 1e3 * published.at("milliseconds").get<double>() / steps);
    if (p.recur > 0) points.push_back(p);
  }
  return points;
}

std::string number(double value) { return value > 0 ? fmt::format("{:.6g}", value) : "NaN"; }

}  // namespace

std::string gnuplot_input(const json& results, const std::string& picture) {
  if (!results.is_object() || results.value("program", "") != "recur-bench")
    throw std::runtime_error("it is not a file that recur-bench --json wrote");
  const std::vector<Point> points = points_of(results);
  if (points.empty())
    throw std::runtime_error(
        "it has no layer with a time to draw; name shapes other than \"kernels\" when it is made");
  const bool emulated = results.at("emulated");
  std::string text = "$rows << END\n";
  for (size_t k = 0; k < points.size(); ++k) {
    const Point& p = points[k];
    text += fmt::format("{} {} {} {} {}\n", k + 1, quoted(p.label), number(p.recur), number(p.cudnn),
                        number(p.published));
  }
  text += "END\n";
  bool cudnn = false, published = false;
  for (const Point& p : points) cudnn = cudnn || p.cudnn > 0, published = published || p.published > 0;
  text += fmt::format("rows = {}\nhas_cudnn = {}\nhas_published = {}\n", points.size(), cudnn ? 1 : 0,
                      published ? 1 : 0);
  text += fmt::format("picture = {}\n", quoted(picture));
  text += fmt::format(
      "heading = {}\n",
      quoted(fmt::format("{} time a step, {}", emulated ? "Modelled (emulated, not measured)" : "Measured",
                         results.at("device").get<std::string>())));
  text += fmt::format("ours = {}\n", quoted(emulated ? "recur, modelled" : "recur, measured"));
  return text + kPlotScript;
}

void plot(const std::string& json_file, const std::string& picture) {
  std::ifstream file(json_file);
  if (!file) throw UsageError("plot: '" + json_file + "' cannot be opened");
  std::string input;
  try {
    input = gnuplot_input(json::parse(file), picture);
  } catch (const std::exception& error) {
    throw UsageError("plot: '" + json_file + "': " + error.what());
  }
  if (std::system("command -v gnuplot >/dev/null 2>&1") != 0)
    throw UsageError("plot: drawing needs gnuplot, which is not on the PATH (Debian: gnuplot-nox)");
  std::FILE* const gnuplot = popen("gnuplot", "w");
  if (gnuplot == nullptr) throw std::runtime_error("gnuplot could not be started");
  const bool written = std::fwrite(input.data(), 1, input.size(), gnuplot) == input.size();
  if (pclose(gnuplot) != 0 || !written) throw std::runtime_error("gnuplot could not write '" + picture + "'");
}

}  // namespace recur::bench
