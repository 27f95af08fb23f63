// What the examples' programs have in common: how they end, and how a training is shown.
#pragma once

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <vector>

#include "recur/recur.hpp"

namespace examples {

// Reads the options and runs. What goes wrong becomes a sentence on stderr and an exit code: 2 for input that
// the program cannot work with, 1 for a failure.
template <class Run>
int run_program(CLI::App& app, int count, char** values, Run run) {
  int code = 1;
  try {
    app.parse(count, values);
    run();
    return 0;
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    code = 2;
    std::fprintf(stderr, "recur: %s\n", error.what());
  } catch (const std::invalid_argument& error) {
    code = 2;
    std::fprintf(stderr, "recur: %s\n", error.what());
  } catch (const recur::Error& error) {
    if (error.status() == RECUR_INVALID_ARGUMENT || error.status() == RECUR_NOT_SUPPORTED) code = 2;
    std::fprintf(stderr, "recur: %s\n", error.what());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "recur: %s\n", error.what());
  }
  return code;
}

// A training of so many steps: the loss of each, a line on a terminal that is written over and over (nothing
// where the output goes to a file or a pipe), and at the end what became of the loss.
class Training {
 public:
  Training(int64_t steps, recur_stream stream) : losses_(steps), counts_(steps, 1.0), stream_(stream) {
    losses_.set_zero(stream);
  }

  // Where the loss of a step goes, on the device; a sum over count items is divided by count when it is
  // printed.
  float* loss(int64_t step, int64_t count = 1) {
    counts_[step] = static_cast<double>(count);
    return losses_.data() + step;
  }
  // The part of the training that is left, from 1 down.
  float left(int64_t step) const { return 1 - static_cast<float>(step) / static_cast<float>(steps()); }

  void show(int64_t step) {
    if (!terminal_ || ((step + 1) % 10 != 0 && step + 1 != steps())) return;
    std::printf("\r%4.0f%%  step %lld of %lld  loss %.4f  %.1f ms a step ",
                100 * static_cast<double>(step + 1) / static_cast<double>(steps()),
                static_cast<long long>(step + 1), static_cast<long long>(steps()),
                mean(step + 1 - std::min<int64_t>(10, step + 1), step + 1),
                1e3 * seconds() / static_cast<double>(step + 1));
    std::fflush(stdout);
  }

  void finish(const char* item) const {
    const int64_t window = std::min<int64_t>(10, steps());
    const double first = mean(0, window), last = mean(steps() - window, steps());  // waits for the device
    std::printf("%sLoss in nats a %s: %.4f in the first %lld steps, %.4f in the last\n",
                terminal_ ? "\n" : "", item, first, static_cast<long long>(window), last);
    std::printf("Time per step: %.1f ms\n", 1e3 * seconds() / static_cast<double>(steps()));
  }

 private:
  int64_t steps() const { return static_cast<int64_t>(losses_.size()); }
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  double mean(int64_t begin, int64_t end) const {
    const std::vector<float> losses = losses_.to_host(stream_);
    double sum = 0;
    for (int64_t i = begin; i < end; i++) sum += losses[i] / counts_[i];
    return sum / static_cast<double>(end - begin);
  }

  recur::DeviceBuffer<float> losses_;  // [steps]
  std::vector<double> counts_;
  recur_stream stream_;
  const bool terminal_ = isatty(STDOUT_FILENO) != 0;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace examples
