// Many to many: an LSTM in both directions finds the words in a text that was written without spaces. Prints
// how well their ends are found in verses that it never saw, beside rules that were counted.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <string>

#include "model.hpp"
#include "program.hpp"
#include "training.hpp"
#include "verses.hpp"

namespace {

using segment::Row;

struct Options {
  std::string text = SEGMENT_TEXT;
  int64_t steps = 200;
  float learning_rate = 3e-2f;
  segment::Config model;
};

// Trains, the learning rate falling to 0, and prints the loss at both ends.
void train(segment::Labeller& model, const std::vector<Row>& learn, const Options& options) {
  examples::Shuffled order(learn.size(), options.model.seed);
  examples::Training training(options.steps, model.stream());
  for (int64_t step = 0; step < options.steps; step++) {
    std::vector<const Row*> batch;
    int64_t asked = 0;
    for (int64_t n = 0; n < options.model.batch; n++) {
      batch.push_back(&learn[order.next()]);
      asked += static_cast<int64_t>(batch.back()->letters.size()) - 1;
    }
    model.train(batch, options.learning_rate * training.left(step),
                training.loss(step, std::max<int64_t>(asked, 1)));
    training.show(step);
  }
  training.finish("letter");
}

void print(const char* name, const segment::Score& score) {
  std::printf("  %-24s %.3f      %.3f   %.3f\n", name, score.precision(), score.recall(), score.f1());
}

segment::Score window_score(const segment::Split& data, int reach) {
  segment::WindowRule rule(reach);
  for (const Row& row : data.learn) rule.count(row);
  segment::Score score;
  for (const Row& row : data.held_out)
    for (size_t i = 0; i < row.letters.size(); i++) score.add(row.ends[i], rule.ends(row, i));
  return score;
}

void run(const Options& options) {
  const segment::Split data = segment::split(
      segment::rows_of(examples::read_file(options.text), options.text, options.model.length), options.text);
  segment::Labeller model(options.model);
  std::printf("Device: %s\n", recur::device_name().c_str());
  std::printf("Text: %s, %zu rows to learn from, %zu held out\n", options.text.c_str(), data.learn.size(),
              data.held_out.size());
  std::printf(
      "Model: LSTM of %lld units in each direction, %lld parameters; %lld rows of up to %lld letters a "
      "step\n",
      static_cast<long long>(options.model.hidden), static_cast<long long>(model.parameters()),
      static_cast<long long>(options.model.batch), static_cast<long long>(options.model.length));
  std::fflush(stdout);

  train(model, data.learn, options);
  const std::vector<std::vector<bool>> said = model.label(data.held_out);
  segment::Score score;
  for (size_t n = 0; n < said.size(); n++)
    for (size_t i = 0; i < said[n].size(); i++) score.add(data.held_out[n].ends[i], said[n][i]);
  std::printf("\nEnds of words, held out     precision  recall  F1\n");
  print("trigram rule", window_score(data, 1));
  print("five-letter rule", window_score(data, 2));
  print("LSTM, both directions", score);
  const Row& row = data.held_out.front();
  std::printf("\nThe first row held out:\n  %s\nwith the words that the LSTM sees:\n  %s\n",
              segment::spaced(row, [](size_t) { return false; }).c_str(),
              segment::spaced(row, [&](size_t i) { return said.front()[i]; }).c_str());
}

}  // namespace

int main(int count, char** values) {
  Options options;
  CLI::App app("Finds the words in a text without spaces: an LSTM labels every letter", "recur demo segment");
  app.add_option("--text", options.text, "The text, one verse or sentence a line")->capture_default_str();
  app.add_option("--steps", options.steps, "Steps to train")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  app.add_option("--hidden", options.model.hidden, "Units in each direction")
      ->check(CLI::Range(1, 16384))
      ->capture_default_str();
  app.add_option("--embedding", options.model.embedding, "Size of a letter's vector")
      ->check(CLI::Range(1, 16384))
      ->capture_default_str();
  app.add_option("--batch", options.model.batch, "Rows a step")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  app.add_option("--length", options.model.length,
                 "Letters that a row has room for; a longer line goes on in the next row")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  app.add_option("--learning-rate", options.learning_rate, "Adam's, at the beginning")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str();
  app.add_option("--seed", options.model.seed, "Of the weights and of the rows' order")
      ->capture_default_str();
  return examples::run_program(app, count, values, [&] { run(options); });
}
