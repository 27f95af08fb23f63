/// The recurrent layer of recur/layer.h as an owning handle. @file
#pragma once

#include <memory>

#include "recur/error.hpp"
#include "recur/layer.h"

namespace recur {

using LayerForward = recur_layer_forward_args;    ///< to be set to zero first: LayerForward forward = {};
using LayerBackward = recur_layer_backward_args;  ///< likewise
using LayerStep = recur_layer_step_args;          ///< likewise
/// A plan. Its calls throw Error; threads may share it. It can be moved, not copied.
class Layer {
 public:
  explicit Layer(const recur_layer_descriptor& descriptor) {  ///< recur_layer_create: the choices are made here
    recur_layer_plan* plan = nullptr;
    check(recur_layer_create(&plan, &descriptor));
    plan_.reset(plan);
  }
  /// Elements of the parameters, bytes of workspaces and reserve.
  recur_layer_sizes sizes() const {
    recur_layer_sizes sizes = {};
    check(recur_layer_get_sizes(plan_.get(), &sizes));
    return sizes;
  }
  recur_layer_choice choice() const {  ///< the path that was chosen, and why
    recur_layer_choice choice = {};
    check(recur_layer_get_choice(plan_.get(), &choice));
    return choice;
  }
  void forward(const LayerForward& args) const { check(recur_layer_forward(plan_.get(), &args)); }  ///< enqueues
  void backward(const LayerBackward& args) const { check(recur_layer_backward(plan_.get(), &args)); }  ///< enqueues
  void step(const LayerStep& args) const { check(recur_layer_step(plan_.get(), &args)); }  ///< enqueues
  const recur_layer_plan* get() const { return plan_.get(); }  ///< for the C calls; still owned by this
  recur_parameter_place parameter(int64_t layer, int64_t direction, recur_parameter which) const {  ///< its place
    recur_parameter_place place = {};
    check(recur_layer_get_parameter(plan_.get(), layer, direction, which, &place));
    return place;
  }

 private:
  struct Destroy {
    void operator()(recur_layer_plan* plan) const { recur_layer_destroy(plan); }
  };
  std::unique_ptr<recur_layer_plan, Destroy> plan_;
};

/// A forward or backward of a layer as a CUDA graph; lives no longer than the layer and the buffers.
class LayerGraph {
 public:
  LayerGraph(const Layer& layer, const LayerForward& args) {  ///< recur_layer_capture_forward
    recur_layer_graph* graph = nullptr;
    check(recur_layer_capture_forward(layer.get(), &args, &graph));
    graph_.reset(graph);
  }
  LayerGraph(const Layer& layer, const LayerBackward& args) {  ///< recur_layer_capture_backward
    recur_layer_graph* graph = nullptr;
    check(recur_layer_capture_backward(layer.get(), &args, &graph));
    graph_.reset(graph);
  }
  void launch(recur_stream stream) const { check(recur_layer_graph_launch(graph_.get(), stream)); }  ///< enqueues

 private:
  struct Destroy {
    void operator()(recur_layer_graph* graph) const { recur_layer_graph_destroy(graph); }
  };
  std::unique_ptr<recur_layer_graph, Destroy> graph_;
};

}  // namespace recur
