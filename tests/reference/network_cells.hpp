// One step of each cell, for the A rows that take part in it, and the same backwards.
#pragma once

#include "tests/reference/network.hpp"

namespace reference {

struct StepState {
  Vector h, c;  // [A,R] [A,H]; c is empty where the cell has none
};

// From step.x, step.h_before and step.c_before; leaves in `step` what the way back needs.
StepState cell_forward(const NetworkShape& shape, const LayerWeights& weights, NetworkStep& step);

struct StepGradients {
  Vector dx;         // [A, inputs of the layer]
  StepState before;  // by h_before and c_before
};

// `after` is by the h and c that the step made. Adds to `gradients`.
StepGradients cell_backward(const NetworkShape& shape, const LayerWeights& weights, const NetworkStep& step,
                            const StepState& after, LayerWeights& gradients);

// The LSTM's halves of the two.
StepState lstm_step(const NetworkShape& shape, const LayerWeights& weights, NetworkStep& step);
StepGradients lstm_step_backward(const NetworkShape& shape, const LayerWeights& weights,
                                 const NetworkStep& step, const StepState& after, LayerWeights& gradients);

// in [A,columns] times the transpose of weight [rows,columns], plus bias [rows] where there is one: [A,rows].
Vector affine(const Vector& in, const double* weight, const double* bias, int64_t A, int64_t rows,
              int64_t columns);

// The way back through it: adds to din [A,columns], dweight and, where there is one, dbias.
void affine_backward(const Vector& dout, const Vector& in, const double* weight, int64_t A, int64_t rows,
                     int64_t columns, Vector& din, double* dweight, double* dbias);

}  // namespace reference
