// Many to one: an LSTM reads handwritten digits row by row and names them from its last hidden state. Prints
// the share of held-out digits that it names rightly beside two rules that need no training.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <random>
#include <string>

#include "digits.hpp"
#include "model.hpp"
#include "program.hpp"
#include "training.hpp"

namespace {

using digits::Digit;

struct Options {
  std::string data = DIGITS_DATA;
  int64_t steps = 2000;
  float learning_rate = 2e-2f;
  digits::Config model;
};

// Trains, the learning rate falling to 0, and prints the loss at both ends.
void train(digits::Classifier& model, const std::vector<Digit>& learn, const Options& options) {
  examples::Shuffled order(learn.size(), options.model.seed);
  examples::Training training(options.steps, model.stream());
  // Each picture is moved by up to one pixel, another way each time, so that few pictures stand for many.
  std::mt19937_64 random(options.model.seed);
  std::uniform_int_distribution<int> by(-1, 1);
  for (int64_t step = 0; step < options.steps; step++) {
    std::vector<Digit> batch;
    while (static_cast<int64_t>(batch.size()) < options.model.batch) {
      const int right = by(random), down = by(random);
      batch.push_back(digits::moved(learn[order.next()], right, down));
    }
    model.train(batch, options.learning_rate * training.left(step), training.loss(step));
    training.show(step);
  }
  training.finish("digit");
}

std::vector<int32_t> nearest_of(const std::vector<Digit>& to, const std::vector<Digit>& all) {
  std::vector<int32_t> said;
  for (const Digit& digit : all) said.push_back(digits::nearest(to, digit));
  return said;
}

void run(const Options& options) {
  const digits::Split data =
      digits::split(digits::parse_digits(examples::read_file(options.data), options.data), options.data);
  digits::Classifier model(options.model);
  std::printf("Device: %s\n", recur::device_name().c_str());
  std::printf("Digits: %s, %zu to learn from, %zu held out\n", options.data.c_str(), data.learn.size(),
              data.held_out.size());
  std::printf("Model: LSTM of %lld units over 8 rows of 8 pixels, %lld parameters; %lld digits a step\n",
              static_cast<long long>(options.model.hidden), static_cast<long long>(model.parameters()),
              static_cast<long long>(options.model.batch));
  std::fflush(stdout);

  train(model, data.learn, options);
  const auto print = [&](const char* name, const std::vector<int32_t>& said) {
    std::printf("  %-19s %.3f\n", name, digits::accuracy(data.held_out, said));
  };
  std::printf("\nHeld-out digits named rightly\n");
  print("nearest class mean", nearest_of(digits::class_means(data.learn), data.held_out));
  print("nearest neighbour", nearest_of(data.learn, data.held_out));
  print("LSTM", model.classify(data.held_out));
}

}  // namespace

int main(int count, char** values) {
  Options options;
  CLI::App app("Names handwritten digits that an LSTM reads row by row", "recur demo digits");
  app.add_option("--data", options.data, "The digits: lines of 64 pixels, 0 to 16, and a label")
      ->capture_default_str();
  app.add_option("--steps", options.steps, "Steps to train")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  app.add_option("--hidden", options.model.hidden, "Units of the LSTM")
      ->check(CLI::Range(1, 16384))
      ->capture_default_str();
  app.add_option("--batch", options.model.batch, "Digits a step")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  app.add_option("--learning-rate", options.learning_rate, "AdamW's, at the beginning")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str();
  app.add_option("--seed", options.model.seed, "Of the weights and of the digits' order")
      ->capture_default_str();
  return examples::run_program(app, count, values, [&] { run(options); });
}
