// The matrix products of a layer: their shapes, and the built products. Everything is row-major.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "gemm.hpp"
#include "geometry.hpp"

namespace recur {

// Of the layers that read x, and of those above.
enum LayerKind { kFirstLayer = 0, kUpperLayer = 1 };
inline LayerKind kind_of(int64_t layer) { return layer == 0 ? kFirstLayer : kUpperLayer; }

// Where h' lies, which decides its pitch: in y, or in a state of its own.
enum StateKind { kInOutput = 0, kInState = 1 };

// The products over a window of `steps` steps, after its sweep back. Gates that the cell takes apart have a
// gradient of their own on the input's side: W_ih's products are in two parts then.
struct WindowShapes {
  WindowShapes(const Geometry& g, int64_t steps);
  GemmShape dx[2], dx_apart[2];          // dx = da W_ih
  GemmShape dw_ih[2], dw_ih_apart[2];    // dW_ih = da^T x
  GemmShape dw_hh, dw_hh_later;          // dW_hh = da^T h', over all steps; over all but the first
  GemmShape dw_hh_rh;                    // dU_n = da_n^T (r h')
  GemmShape dw_hr;                       // dW_hr = total^T m
  std::vector<const GemmShape*> all() const;
};

struct LayerShapes {
  LayerShapes(const recur_layer_descriptor& d, const Geometry& g, int64_t chunk);
  GemmShape input[2], input_tail[2], input_step[2];  // a = x W_ih^T + b_ih
  GemmShape recurrent[2];                            // a += h' W_hh^T + b_hh, or u = ...; by where h' lies
  GemmShape recurrent_n;                             // a_n += (r h') U_n^T + b_hn: reset before
  GemmShape project;                                 // h = m W_hr^T
  GemmShape dh, dh_n;                                // dh' = da W_hh; drh = da_n U_n
  GemmShape dm;                                      // dm = total W_hr
  GemmShape dw_hh_first;                             // dW_hh += da[0]^T h0
  std::map<int64_t, WindowShapes> windows;           // by the number of steps

  size_t forward_workspace() const;
  size_t step_workspace() const;
  size_t backward_workspace() const;
};

struct WindowProducts {
  WindowProducts(const GemmHandle& handle, const WindowShapes& s);
  Gemm dx[2], dx_apart[2], dw_ih[2], dw_ih_apart[2], dw_hh, dw_hh_later, dw_hh_rh, dw_hr;
};

struct LayerProducts {
  explicit LayerProducts(const LayerShapes& s);
  GemmHandle handle;
  Gemm input[2], input_tail[2], input_step[2], recurrent[2], recurrent_n, project, dh, dh_n, dm, dw_hh_first;
  std::map<int64_t, WindowProducts> windows;
};

// The windows of a backward pass, last first: steps [begin,end), whose y has gradients from dy_begin on.
struct Window {
  int64_t begin, end, dy_begin;
};
std::vector<Window> windows_of(const recur_layer_descriptor& d);

}  // namespace recur
