#include "options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>

namespace recur::bench {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

const char* const kFooter =
    "recur-bench plot FILE.json [--output FILE.svg|FILE.png] draws what --json wrote, by gnuplot.\n"
    "Without names or a shape it runs the table \"kernels\". docs/benchmarks.md says what each figure is.";

// As given: words and numbers, not yet a layer.
struct Given {
  std::vector<std::string> names, passes;
  std::string cell = "lstm", type, residency, json;
  int64_t steps = 0, batch = 0, inputs = 0, hidden = 0, layers = 1, directions = 1, projection = 0;
  bool peepholes = false, ragged = false, batch_first = false;
};

template <class Value>
Value known(const char* option, const std::string& word, const char* words) {
  Value value{};
  if (!from_name(word, value)) throw UsageError(fmt::format("{} is '{}'; it can be {}", option, word, words));
  return value;
}

constexpr char kCellWords[] = "lstm, gru, gru-reset-before, rnn-tanh or rnn-relu";
constexpr char kTypeWords[] = "fp32, tf32, fp16 or bf16";
constexpr char kResidencyWords[] = "automatic, streamed or block";
constexpr char kPassWords[] = "inference, training or step";

Shape own_shape(const Given& given) {
  Shape shape;
  shape.set = "given";
  shape.source = "the command line";
  recur_layer_descriptor& d = shape.layer;
  d.cell = known<recur_cell>("--cell", given.cell, kCellWords);
  d.type = RECUR_TYPE_FLOAT32;
  d.steps = given.steps, d.batch = given.batch, d.hidden_size = given.hidden;
  d.input_size = given.inputs > 0 ? given.inputs : given.hidden;
  d.layers = given.layers, d.directions = given.directions, d.projection_size = given.projection;
  d.peepholes = given.peepholes, d.ragged = given.ragged, d.batch_first = given.batch_first;
  shape.passes = {Pass::inference, Pass::training};
  return shape;
}

// Reads the command line; what is wrong with it is said behind `where`.
bool asks_for_help(CLI::App& app, int argc, const char* const* argv, Options& options, const std::string& where = "") {
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    options.help = true;
    options.help_text = app.help();
  } catch (const CLI::ParseError& error) {
    throw UsageError(where + error.what());
  }
  return options.help;
}

Options plot_options(int argc, const char* const* argv) {
  Options options;
  options.plot = true;
  CLI::App app("Draws the picture of a JSON file that recur-bench --json wrote.", "recur-bench plot");
  app.add_option("FILE", options.plot_from, "the JSON file")->required();
  app.add_option("--output", options.plot_to, "the picture, .svg or .png; else beside the file, as .svg");
  if (asks_for_help(app, argc, argv, options, "plot: ")) return options;
  if (options.plot_to.empty()) {
    const size_t dot = options.plot_from.rfind(".json");
    options.plot_to = options.plot_from.substr(0, dot) + ".svg";
  }
  const auto ends = [&](const std::string& end) {
    const std::string& to = options.plot_to;
    return to.size() > end.size() && to.compare(to.size() - end.size(), end.size(), end) == 0;
  };
  if (!ends(".svg") && !ends(".png"))
    throw UsageError("plot: --output is '" + options.plot_to + "'; it must end in .svg or .png");
  return options;
}

}  // namespace

Options parse_options(int argc, const char* const* argv) {
  if (argc > 1 && std::string(argv[1]) == "plot") return plot_options(argc - 1, argv + 1);
  Given given;
  CLI::App app("Counts what layers do under the emulator, or times them on a GPU beside cuDNN.",
               "recur-bench");
  app.footer(kFooter);
  app.add_option("NAMES", given.names, "shapes by name: " + joined(set_names()));
  CLI::Option* const own[] = {
      app.add_option("-T,--steps", given.steps, "of one shape: steps"),
      app.add_option("-N,--batch", given.batch, "of one shape: batch"),
      app.add_option("-H,--hidden", given.hidden, "of one shape: hidden units"),
      app.add_option("-I,--input", given.inputs, "of one shape: inputs; as many as hidden units if absent"),
      app.add_option("-L,--layers", given.layers, "of one shape: stacked layers"),
      app.add_option("-D,--directions", given.directions, "of one shape: 1 or 2"),
      app.add_option("--cell", given.cell, std::string("of one shape: ") + kCellWords),
      app.add_option("--projection", given.projection, "of one shape: projected size"),
      app.add_flag("--peepholes", given.peepholes, "of one shape"),
      app.add_flag("--ragged", given.ragged, "of one shape: rows of half to all of the steps"),
      app.add_flag("--batch-first", given.batch_first, "of one shape"),
  };
  app.add_option("--type", given.type, std::string("of all shapes: ") + kTypeWords);
  app.add_option("--residency", given.residency,
                 std::string("of all shapes, where the recurrent weights live: ") + kResidencyWords);
  app.add_option("--pass", given.passes, std::string("of all shapes, one or several: ") + kPassWords);
  app.add_option("--json", given.json, "write the rows to this file too");
  Options options;
  if (asks_for_help(app, argc, argv, options)) return options;

  std::vector<const CLI::Option*> shape_options;
  for (const CLI::Option* option : own)
    if (option->count() > 0) shape_options.push_back(option);
  for (const std::string& name : given.names)
    if (!is_set_name(name))
      throw UsageError(
          fmt::format("there are no shapes called '{}'; the names are {}", name, joined(set_names())));
  if (!shape_options.empty() && !given.names.empty())
    throw UsageError(
        fmt::format("{} is of one shape given here, and '{}' names shapes that are: give one or the other",
                    shape_options.front()->get_name(), given.names.front()));
  if (!shape_options.empty()) {
    const std::pair<const char*, int64_t> needed[] = {
        {"-T (steps)", given.steps}, {"-N (batch)", given.batch}, {"-H (hidden units)", given.hidden}};
    for (const auto& [name, value] : needed)
      if (value == 0)
        throw UsageError(fmt::format("one shape needs -T, -N and -H, and {} is absent or 0", name));
    options.shapes.push_back(own_shape(given));
  }
  const auto named = [&](const char* name) {
    return std::find(given.names.begin(), given.names.end(), name) != given.names.end();
  };
  const bool all = named("all");
  for (const std::string& name : set_names())
    if (name != "all" && (all || named(name.c_str())))
      for (Shape& shape : shapes_of(name)) options.shapes.push_back(std::move(shape));
  options.kernels = all || named("kernels") || (given.names.empty() && shape_options.empty());

  std::vector<Pass> passes;
  for (const std::string& pass : given.passes) passes.push_back(known<Pass>("--pass", pass, kPassWords));
  for (Shape& shape : options.shapes) {
    if (!given.type.empty()) shape.layer.type = known<recur_type>("--type", given.type, kTypeWords);
    if (!given.residency.empty())
      shape.layer.residency = known<recur_residency>("--residency", given.residency, kResidencyWords);
    if (!passes.empty()) shape.passes = passes;
  }
  if (options.shapes.empty() && (!given.type.empty() || !given.residency.empty() || !passes.empty()))
    throw UsageError(
        "--type, --residency and --pass are of layers, and the table \"kernels\" has its own; name shapes "
        "too");
  options.json = given.json;
  return options;
}

}  // namespace recur::bench
