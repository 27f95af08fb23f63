#include "layer_graph.hpp"

#include <functional>

#include "check.hpp"
#include "schedule.hpp"

namespace recur {
namespace {

constexpr int64_t kStepsAtOnce = 4096;  // of all passes: beyond, a graph is recorded in pieces, on one lane

// A stream whose work is recorded. What was begun and not ended, because something failed, is ended and dropped.
class Recorder {
 public:
  explicit Recorder(recur_layer_graph& graph) : graph_(graph) {
    RECUR_CUDA(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  }
  ~Recorder() {
    if (recording_) {
      cudaGraph_t left = nullptr;
      cudaStreamEndCapture(stream_, &left);
      if (left != nullptr) cudaGraphDestroy(left);
      cudaGetLastError();
    }
    cudaStreamDestroy(stream_);
  }
  recur_stream stream() const { return stream_; }

  void begin() {
    RECUR_CUDA(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal));
    recording_ = true;
  }
  void end() {
    cudaGraph_t graph = nullptr;
    recording_ = false;
    RECUR_CUDA(cudaStreamEndCapture(stream_, &graph));
    const std::unique_ptr<CUgraph_st, cudaError_t (*)(cudaGraph_t)> owner(graph, cudaGraphDestroy);
    cudaGraphExec_t piece = nullptr;
    RECUR_CUDA(cudaGraphInstantiate(&piece, graph, 0));
    graph_.pieces.push_back(piece);
  }

 private:
  recur_layer_graph& graph_;
  cudaStream_t stream_ = nullptr;
  bool recording_ = false;
};

template <class Args, class Run>
std::unique_ptr<recur_layer_graph> record(const recur_layer_plan& plan, Args args, int64_t steps, Run run) {
  auto graph = std::make_unique<recur_layer_graph>();
  graph->device = plan.device;
  Recorder recorder(*graph);
  args.stream = recorder.stream();
  const bool in_pieces = steps * plan.geometry.passes() > kStepsAtOnce;
  std::function<void()> cut;
  if (in_pieces) {
    cut = [&recorder] {
      recorder.end();
      recorder.begin();
    };
  }
  recorder.begin();
  run(args, cut);
  recorder.end();
  return graph;
}

}  // namespace

std::unique_ptr<recur_layer_graph> capture_layer(const recur_layer_plan& plan, const recur_layer_forward_args& args) {
  const int64_t T = plan.geometry.T, chunk = plan.layout.chunk;
  return record(plan, args, plan.resident() ? (T + chunk - 1) / chunk : T,
                [&](const auto& a, const std::function<void()>& cut) { forward(plan, a, cut); });
}

std::unique_ptr<recur_layer_graph> capture_layer(const recur_layer_plan& plan, const recur_layer_backward_args& args) {
  int64_t steps = 0;
  for (const Window& w : plan.windows) steps += plan.resident() ? 1 : w.end - w.begin;
  return record(plan, args, steps,
                [&](const auto& a, const std::function<void()>& cut) { backward(plan, a, cut); });
}

}  // namespace recur

recur_layer_graph::~recur_layer_graph() {
  for (cudaGraphExec_t piece : pieces) cudaGraphExecDestroy(piece);
}

void recur_layer_graph::launch(recur_stream stream) const {
  for (cudaGraphExec_t piece : pieces) RECUR_CUDA(cudaGraphLaunch(piece, stream));
}
