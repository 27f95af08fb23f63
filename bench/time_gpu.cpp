#include "time_gpu.hpp"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "layer_call.hpp"

namespace recur::bench {
namespace {

void check_cuda(cudaError_t status) {
  if (status != cudaSuccess) throw std::runtime_error(std::string("CUDA: ") + cudaGetErrorString(status));
}

cudaEvent_t event(void* handle) { return static_cast<cudaEvent_t>(handle); }

size_t twice_l2() {
  int device = 0, bytes = 0;
  check_cuda(cudaGetDevice(&device));
  check_cuda(cudaDeviceGetAttribute(&bytes, cudaDevAttrL2CacheSize, device));
  return 2 * static_cast<size_t>(std::max(bytes, 1 << 20));
}

Timing refused(const std::string& name, const char* why) {
  Timing timing;
  timing.name = name;
  timing.refused = why;
  return timing;
}

}  // namespace

void Timer::DestroyEvent::operator()(void* handle) const { cudaEventDestroy(event(handle)); }

Timer::Event Timer::make_event() {
  cudaEvent_t handle = nullptr;
  check_cuda(cudaEventCreate(&handle));
  return Event(handle);
}

Timer::Timer(double budget)
    : budget_(budget), larger_than_l2_(twice_l2()), begin_(make_event()), end_(make_event()) {}

double Timer::one(const Call& call, bool cold) const {
  const auto stream = static_cast<cudaStream_t>(static_cast<recur_stream>(stream_));
  if (cold) check(recur_set_zero(larger_than_l2_.data(), larger_than_l2_.bytes(), stream_));
  check_cuda(cudaEventRecord(event(begin_.get()), stream));
  call(stream_);
  check_cuda(cudaEventRecord(event(end_.get()), stream));
  check_cuda(cudaEventSynchronize(event(end_.get())));
  float milliseconds = 0;
  check_cuda(cudaEventElapsedTime(&milliseconds, event(begin_.get()), event(end_.get())));
  return milliseconds;
}

Timing Timer::time(const std::string& name, const Call& call) const {
  Timing timing;
  timing.name = name;
  one(call, false);  // loads the kernels
  const double first = one(call, false);
  timing.repetitions = repetitions(first, budget_);
  for (int k = 0; k < timing.repetitions / 4; ++k) one(call, false);
  std::vector<double> cold, warm;
  for (int k = 0; k < timing.repetitions; ++k) cold.push_back(one(call, true));
  one(call, false);  // warms the cache again
  for (int k = 0; k < timing.repetitions; ++k) warm.push_back(one(call, false));
  timing.cold = spread(std::move(cold));
  timing.warm = spread(std::move(warm));
  return timing;
}

std::vector<Timing> time_layer(const Timer& timer, const recur_layer_descriptor& layer, Pass pass) {
  std::vector<Timing> all;
  {
    const Stream stream;
    LayerCall call(layer, pass, stream);
    stream.synchronize();
    all.push_back(timer.time("recur", [&](recur_stream on) { call.run(on); }));
    if (pass != Pass::step) {
      const LayerGraph forward(call.layer(), call.forward_args());
      if (pass == Pass::inference) {
        all.push_back(timer.time("recur, graph", [&](recur_stream on) { forward.launch(on); }));
      } else {
        const LayerGraph backward(call.layer(), call.backward_args());
        all.push_back(timer.time("recur, graph", [&](recur_stream on) {
          forward.launch(on);
          backward.launch(on);
        }));
      }
    }
  }
  try {
    for (Timing& t : time_cudnn(timer, layer, pass)) all.push_back(std::move(t));
  } catch (const std::exception& error) {
    all.push_back(refused("cuDNN", error.what()));
  }
  return all;
}

}  // namespace recur::bench
