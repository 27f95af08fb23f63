// A tiny LSTM forward whose result is known without a computer: with every weight and bias 0 the gates are
// i = f = o = 1/2 and g = 0, so c halves at every step and h = tanh(c)/2.
#include <cmath>
#include <cstdio>
#include <vector>

#include "recur/recur.hpp"

int main() {
  const int T = 3, N = 2, I = 3, H = 5;
  recur_layer_descriptor descriptor = {};
  descriptor.cell = RECUR_CELL_LSTM;
  descriptor.type = RECUR_TYPE_FLOAT32;
  descriptor.steps = T, descriptor.batch = N, descriptor.input_size = I, descriptor.hidden_size = H;
  recur::Layer layer(descriptor);
  const recur_layer_sizes sizes = layer.sizes();

  recur::Stream stream;
  recur::DeviceBuffer<float> parameters(sizes.parameter_elements), x(T * N * I), c0(N * H), y(T * N * H);
  recur::DeviceBuffer<char> workspace(sizes.inference_workspace);
  parameters.set_zero(stream);
  x.set_zero(stream);
  c0.from_host(std::vector<float>(N * H, 1.0f), stream);

  recur::LayerForward forward = {};
  forward.stream = stream;
  forward.parameters = parameters.data();
  forward.x = x.data();
  forward.c0 = c0.data();
  forward.y = y.data();
  forward.workspace = workspace.data();
  forward.workspace_size = workspace.bytes();
  layer.forward(forward);

  const std::vector<float> out = y.to_host(stream);
  for (int t = 0; t < T; t++)
    for (int k = 0; k < N * H; k++) {
      const double expected = 0.5 * std::tanh(std::pow(0.5, t + 1));
      if (std::fabs(out[t * N * H + k] - expected) > 1e-6) {
        std::printf("y[%d][%d] is %g, and should be %g\n", t, k, out[t * N * H + k], expected);
        return 1;
      }
    }
  std::printf("%s: a forward of %d steps is right\n", recur::device_name().c_str(), T);
}
