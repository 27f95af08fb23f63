// Streams one step at a time through a network trained in PyTorch: reads the LSTM and the linear head that train.py
// saved as safetensors, feeds the yearly sunspots one by one, and says before each held-out year how many it expects.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "program.hpp"
#include "read_file.hpp"
#include "recur/recur.hpp"

namespace {

constexpr int kHeldOut = 1921;  // train.py has seen the years before

// A header, then year,sunspots for each year.
std::vector<std::pair<int, double>> read_series(const std::string& name) {
  std::istringstream file(examples::read_file(name));
  std::vector<std::pair<int, double>> series;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    int year = 0, end = -1;
    double value = 0;
    if (std::sscanf(line.c_str(), "%d,%lf %n", &year, &value, &end) != 2 || end != int(line.size()) || !(value >= 0))
      examples::bad_line(name, series.size() + 2, examples::quoted(line) + " is no year,sunspots");
    series.emplace_back(year, value);
  }
  if (series.size() < 2) throw std::invalid_argument("'" + name + "' has fewer than two years");
  return series;
}

void run(const std::string& weights_path, const std::string& data_path) {
  const recur::Weights weights = recur::Weights::read(weights_path);
  const recur_tensor recurrent = weights.find("rnn.weight_hh_l0");  // [4*H,H]: how large the network is
  if (recurrent.rank != 2) throw std::invalid_argument(weights_path + ": 'rnn.weight_hh_l0' is no matrix");
  recur_layer_descriptor d = {};
  d.cell = RECUR_CELL_LSTM, d.type = RECUR_TYPE_FLOAT32;
  d.steps = 1, d.batch = 1, d.input_size = 1, d.hidden_size = recurrent.shape[recurrent.rank - 1];
  const recur::Layer lstm(d);
  const size_t H = size_t(d.hidden_size);
  const recur_tensor head = weights.find("head.weight"), bias = weights.find("head.bias");
  if (head.values == nullptr || bias.values == nullptr || head.elements != d.hidden_size || bias.elements != 1)
    throw std::invalid_argument(weights_path + ": 'head' must make one number of " + std::to_string(H) + " units");

  const recur::Stream stream;
  const recur_layer_sizes sizes = lstm.sizes();
  recur::DeviceBuffer<float> parameters(sizes.parameter_elements), x(1), h(H), h_next(H), c(H);
  recur::DeviceBuffer<char> workspace(sizes.step_workspace);
  parameters.from_host(weights.to_parameters(lstm, RECUR_WEIGHTS_PYTORCH, "rnn."), stream);
  h.set_zero(stream), c.set_zero(stream);

  const std::vector<std::pair<int, double>> series = read_series(data_path);
  double expected = series[0].second, squares = 0, squares_of_last = 0;
  int count = 0;
  for (size_t k = 0; k < series.size(); ++k) {
    const auto [year, observed] = series[k];
    if (year >= kHeldOut && k > 0) {
      std::printf("%d  expected %6.1f  observed %6.1f\n", year, expected, observed);
      squares += std::pow(expected - observed, 2);
      squares_of_last += std::pow(series[k - 1].second - observed, 2);
      ++count;
    }
    x.from_host({float(std::sqrt(observed) / 10)}, stream);  // scaled as in train.py
    recur::LayerStep step = {};
    step.stream = stream, step.parameters = parameters.data(), step.x = x.data();
    step.h = h.data(), step.c = c.data(), step.h_next = h_next.data(), step.c_next = c.data();
    step.workspace = workspace.data(), step.workspace_size = workspace.bytes();
    lstm.step(step);
    std::swap(h, h_next);
    double sum = bias.values[0];
    const std::vector<float> hidden = h.to_host(stream);
    for (size_t unit = 0; unit < H; ++unit) sum += double(head.values[unit]) * hidden[unit];
    expected = std::pow(std::max(10 * sum, 0.0), 2);
  }
  if (count == 0) throw std::invalid_argument("'" + data_path + "' has no year after " + std::to_string(kHeldOut - 1));
  std::printf("Held out, %d years: error %.2f sunspots (root of the mean square); the year before as a guess: %.2f\n",
              count, std::sqrt(squares / count), std::sqrt(squares_of_last / count));
}

}  // namespace

int main(int count, char** values) {
  std::string weights = STREAM_FOLDER "/sunspots.safetensors", data = STREAM_FOLDER "/../data/sunspots.csv";
  CLI::App app("Expects next year's sunspots, year by year, by a network trained in PyTorch", "recur demo stream");
  app.add_option("--weights", weights, "The network: safetensors, as train.py writes them")->capture_default_str();
  app.add_option("--data", data, "The years: a header, then lines of year,sunspots")->capture_default_str();
  return examples::run_program(app, count, values, [&] { run(weights, data); });
}
