// Times calls on a GPU by CUDA events around each of them, with a cold L2 cache and with a warm one.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "recur/recur.hpp"
#include "rows.hpp"

namespace recur::bench {

using Call = std::function<void(recur_stream)>;  // enqueues one call

class Timer {
 public:
  // On the current device; milliseconds for each way of a call.
  explicit Timer(double budget = 500);
  // Runs the call until the clocks are up, then as often as repetitions() says, each way. Milliseconds.
  Timing time(const std::string& name, const Call& call) const;

 private:
  double one(const Call& call, bool cold) const;

  struct DestroyEvent {
    void operator()(void* event) const;
  };
  using Event = std::unique_ptr<void, DestroyEvent>;
  static Event make_event();

  double budget_;
  Stream stream_;
  DeviceBuffer<char> larger_than_l2_;
  Event begin_, end_;
};

// recur's calls, the same recorded as a graph, and cuDNN's by every algorithm; what cannot run says why.
std::vector<Timing> time_layer(const Timer& timer, const recur_layer_descriptor& layer, Pass pass);

// Of cuDNN alone, in time_cudnn.cpp; where the program was built without it, one entry that says so.
std::vector<Timing> time_cudnn(const Timer& timer, const recur_layer_descriptor& layer, Pass pass);

}  // namespace recur::bench
