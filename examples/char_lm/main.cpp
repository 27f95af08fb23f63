// Learns to write like a text: a character-level LSTM, trained by truncated back-propagation through time,
// measured in bits per character on the part of the text that it never saw, beside a bigram and a trigram
// model.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <string>

#include "model.hpp"
#include "ngram.hpp"
#include "program.hpp"
#include "text.hpp"

namespace {

using char_lm::Symbols;

struct Options {
  std::string text = CHAR_LM_TEXT;
  double minutes = 0;
  int64_t steps = 0;
  float learning_rate = 4e-3f, temperature = 0.7f;
  int64_t sample = 400;
  char_lm::Config model;
};

// A text cut into N pieces that are read side by side, T symbols of each at a time. Time-major, so chunk k is
// one pointer: [chunks,T,N]. Every symbol but the first is a target once; what is left over of the last chunk
// has none.
struct Pieces {
  Pieces(const std::vector<int32_t>& text, const char_lm::Config& config, recur_stream stream) {
    const int64_t T = config.chunk, N = config.batch, pairs = static_cast<int64_t>(text.size()) - 1;
    const int64_t length = (pairs + N - 1) / N;
    chunks = (length + T - 1) / T;
    stride = T * N;
    targets_in_all = pairs;
    std::vector<int32_t> in(chunks * stride, 0), out(chunks * stride, -1);
    for (int64_t i = 0; i < pairs; i++) {
      const int64_t at = i % length * N + i / length;
      in[at] = text[i];
      out[at] = text[i + 1];
    }
    inputs = Symbols(in.size());
    targets = Symbols(out.size());
    inputs.from_host(in, stream);
    targets.from_host(out, stream);
  }
  int64_t chunks, stride, targets_in_all;
  Symbols inputs, targets;
};

double bits(double nats) { return nats / std::log(2.0); }

class Clock {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Trains until the minutes or the steps are over, and returns the seconds of one step. The learning rate
// falls to 0 as the end comes near.
double train(char_lm::Model& model, const Pieces& text, const Options& options) {
  const int64_t kWindow = 10;  // steps between looks at the loss: each look waits for the device
  const bool terminal = isatty(STDOUT_FILENO);
  char_lm::Floats losses(kWindow);  // of the last steps
  losses.set_zero(model.stream());
  const Clock clock;
  double seconds = 0, progress = 0, next_line = 0.1;
  int64_t step = 0;
  while (progress < 1) {
    if (step % text.chunks == 0) model.forget();
    const int64_t at = step % text.chunks * text.stride;
    model.train(text.inputs.data() + at, text.targets.data() + at,
                options.learning_rate * static_cast<float>(1 - progress), losses.data() + step % kWindow);
    step++;
    if (step % kWindow != 0 && step != options.steps) continue;

    double loss = 0;
    for (float one : losses.to_host(model.stream()))
      loss += bits(one) / static_cast<double>(std::min(step, kWindow));
    seconds = clock.seconds();
    if (options.steps > 0) progress = static_cast<double>(step) / static_cast<double>(options.steps);
    if (options.minutes > 0) progress = std::max(progress, seconds / (60 * options.minutes));
    if (terminal || progress >= next_line) {
      std::printf("%s%4.0f%%  step %lld  %.3f bits per character  %.1f ms a step%s", terminal ? "\r" : "",
                  100 * std::min(progress, 1.0), static_cast<long long>(step), loss, 1e3 * seconds / step,
                  terminal ? " " : "\n");
      std::fflush(stdout);
      next_line += progress >= next_line ? 0.1 : 0;
    }
  }
  if (terminal) std::printf("\n");
  return seconds / static_cast<double>(step);
}

// Bits per character of a text that was not learnt from.
double evaluate(char_lm::Model& model, const Pieces& text) {
  char_lm::Floats losses(text.chunks);
  model.forget();
  for (int64_t k = 0; k < text.chunks; k++)
    model.evaluate(text.inputs.data() + k * text.stride, text.targets.data() + k * text.stride,
                   losses.data() + k);
  double sum = 0;
  for (float loss : losses.to_host(model.stream())) sum += loss;
  return bits(sum) / static_cast<double>(text.targets_in_all);
}

double ngram_bits(const std::vector<int32_t>& learn, const std::vector<int32_t>& held_out, int V,
                  int context) {
  char_lm::Ngram model(V, context);
  model.count(learn);
  return model.bits(held_out);
}

void run(const Options& options) {
  const char_lm::Text text = char_lm::read_text(options.text);
  char_lm::Config config = options.model;
  config.vocabulary = text.vocabulary();
  const int64_t size = static_cast<int64_t>(text.symbols.size());
  const int64_t held = std::max<int64_t>(size / 10, 3), least = config.chunk + 1 + held;
  if (size < least)
    throw std::invalid_argument("'" + options.text + "' has " + std::to_string(size) +
                                " characters; to learn from one chunk and hold some out takes " +
                                std::to_string(least));
  const auto cut = text.symbols.end() - held;
  const std::vector<int32_t> learn(text.symbols.begin(), cut), held_out(cut, text.symbols.end());

  char_lm::Model model(config);
  std::printf("Device: %s\n", recur::device_name().c_str());
  std::printf("Text: %s, %zu characters to learn from, %zu held out, %d different\n", options.text.c_str(),
              learn.size(), held_out.size(), text.vocabulary());
  std::printf(
      "Model: LSTM of %lld units, %lld parameters; %lld pieces of text side by side, %lld steps a chunk\n",
      static_cast<long long>(config.hidden), static_cast<long long>(model.parameters()),
      static_cast<long long>(config.batch), static_cast<long long>(config.chunk));
  std::fflush(stdout);

  const double step_seconds = train(model, Pieces(learn, config, model.stream()), options);
  const double lstm = evaluate(model, Pieces(held_out, config, model.stream()));
  const int V = text.vocabulary();
  std::printf("\nHeld-out bits per character\n");
  std::printf("  bigram, Witten-Bell   %.3f\n", ngram_bits(learn, held_out, V, 1));
  std::printf("  trigram, Witten-Bell  %.3f\n", ngram_bits(learn, held_out, V, 2));
  std::printf("  LSTM                  %.3f\n", lstm);
  std::printf("Time per step: %.1f ms (forward, backward and update of %lld characters)\n",
              1e3 * step_seconds, static_cast<long long>(config.chunk * config.batch));

  model.forget();
  const size_t newline = text.alphabet.find('\n');
  std::string sample;
  for (int32_t symbol : model.sample(newline == std::string::npos ? 0 : static_cast<int32_t>(newline),
                                     options.sample, options.temperature))
    sample.push_back(symbol < 0 ? '?' : text.alphabet[symbol]);
  std::printf("\nA sample of %lld characters, temperature %g:\n%s\n", static_cast<long long>(options.sample),
              options.temperature, sample.c_str());
}

}  // namespace

int main(int count, char** values) {
  Options options;
  CLI::App app("Trains a character-level language model on a text and lets it write", "recur demo");
  app.add_option("--text", options.text, "The text to learn from")->capture_default_str();
  app.add_option("--minutes", options.minutes, "Time to train; 2 if there is no limit of steps")
      ->check(CLI::Range(0.01, 1e5));
  app.add_option("--steps", options.steps, "Steps to train, in place of minutes or as a second limit")
      ->check(CLI::Range(1, 100000000));
  app.add_option("--hidden", options.model.hidden, "Units of the LSTM")
      ->check(CLI::Range(1, 16384))
      ->capture_default_str();
  app.add_option("--embedding", options.model.embedding, "Size of a symbol's vector")
      ->check(CLI::Range(1, 16384))
      ->capture_default_str();
  app.add_option("--batch", options.model.batch, "Pieces of text side by side")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  app.add_option("--chunk", options.model.chunk, "Steps that gradients go back")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  app.add_option("--learning-rate", options.learning_rate, "Adam's, at the beginning")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str();
  app.add_option("--seed", options.model.seed, "Of the weights and of the sample")->capture_default_str();
  app.add_option("--temperature", options.temperature, "Of the sample; 0 takes the likeliest")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  app.add_option("--sample", options.sample, "Characters to write")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  return examples::run_program(app, count, values, [&] {
    if (options.steps == 0 && options.minutes == 0) options.minutes = 2;
    run(options);
  });
}
