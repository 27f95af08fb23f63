// Two layers of the cell in my_cell.cu, both directions, against plain loops in double: the outputs, and each gradient
// by central differences of loss = sum of y weighted.
#include <cmath>
#include <cstdio>
#include <vector>

#include "my_cell.hpp"
#include "recur/recur.hpp"

namespace {

constexpr int T = 4, N = 3, I = 5, H = 6, L = 2, D = 2;
using Vector = std::vector<double>;

double pattern(size_t k, int salt) { return 0.4 * std::sin(1.0 + 2.39996 * double(k + 1) * double(salt)); }

// y [T,N,D*H] of the network; parameters in the library's order.
Vector network(const recur::Layer& layer, const Vector& parameters, const Vector& x) {
  Vector input = x;
  for (int l = 0; l < L; ++l) {
    const int J = l == 0 ? I : D * H;
    Vector output(T * N * D * H);
    for (int d = 0; d < D; ++d) {
      const auto of = [&](recur_parameter which) {
        recur_parameter_place place = {};
        recur::check(recur_layer_get_parameter(layer.get(), l, d, which, &place));
        return &parameters[place.offset];
      };
      const double *w = of(RECUR_PARAMETER_W_IH), *u = of(RECUR_PARAMETER_W_HH), *b = of(RECUR_PARAMETER_B_IH),
                   *c = of(RECUR_PARAMETER_B_HH);
      for (int n = 0; n < N; ++n) {
        Vector h(H, 0.0);
        for (int step = 0; step < T; ++step) {
          const int t = d == 0 ? step : T - 1 - step;
          Vector next(H);
          for (int k = 0; k < H; ++k) {
            double a[2];
            for (int g = 0; g < 2; ++g) {
              const int row = g * H + k;
              a[g] = b[row] + c[row];
              for (int j = 0; j < J; ++j) a[g] += w[row * J + j] * input[(t * N + n) * J + j];
              for (int j = 0; j < H; ++j) a[g] += u[row * H + j] * h[j];
            }
            const double z = 1 / (1 + std::exp(-a[0]));
            next[k] = z * h[k] + (1 - z) * std::tanh(a[1]);
          }
          h = next;
          for (int k = 0; k < H; ++k) output[(t * N + n) * D * H + d * H + k] = h[k];
        }
      }
    }
    input = output;
  }
  return input;
}

int failures = 0;
void compare(const char* name, const std::vector<float>& values, const Vector& expected, double tolerance) {
  for (size_t k = 0; k < values.size(); ++k) {
    if (std::fabs(values[k] - expected[k]) <= tolerance) continue;
    std::printf("%s[%zu] is %g, and should be %g\n", name, k, values[k], expected[k]);
    ++failures;
    return;
  }
}

}  // namespace

int main() {
  recur_layer_descriptor d = {};
  d.cell = RECUR_CELL_CUSTOM;
  d.custom_cell = &update_gate;
  d.type = RECUR_TYPE_FLOAT32;
  d.steps = T, d.batch = N, d.input_size = I, d.hidden_size = H, d.layers = L, d.directions = D;
  const recur::Layer layer(d);
  const recur_layer_sizes sizes = layer.sizes();

  std::vector<float> parameters(sizes.parameter_elements), x(T * N * I), dy(T * N * D * H);
  for (size_t k = 0; k < parameters.size(); ++k) parameters[k] = float(pattern(k, 1));
  for (size_t k = 0; k < x.size(); ++k) x[k] = float(pattern(k, 3));
  for (size_t k = 0; k < dy.size(); ++k) dy[k] = float(pattern(k, 7));

  recur::Stream stream;
  using Floats = recur::DeviceBuffer<float>;
  Floats d_parameters(parameters.size()), d_x(x.size()), d_y(dy.size()), d_dy(dy.size()), d_dx(x.size()),
      d_dparameters(parameters.size());
  recur::DeviceBuffer<char> reserve(sizes.reserve), forward_workspace(sizes.training_workspace),
      backward_workspace(sizes.backward_workspace);
  d_parameters.from_host(parameters, stream);
  d_x.from_host(x, stream);
  d_dy.from_host(dy, stream);

  recur::LayerForward f = {};
  f.stream = stream;
  f.parameters = d_parameters.data();
  f.x = d_x.data();
  f.y = d_y.data();
  f.reserve = reserve.data(), f.reserve_size = reserve.bytes();
  f.workspace = forward_workspace.data(), f.workspace_size = forward_workspace.bytes();
  layer.forward(f);
  recur::LayerBackward b = {};
  b.stream = stream;
  b.parameters = d_parameters.data();
  b.x = d_x.data();
  b.y = d_y.data();
  b.dy = d_dy.data();
  b.dx = d_dx.data();
  b.dparameters = d_dparameters.data();
  b.reserve = reserve.data(), b.reserve_size = reserve.bytes();
  b.workspace = backward_workspace.data(), b.workspace_size = backward_workspace.bytes();
  layer.backward(b);

  Vector parameters64(parameters.begin(), parameters.end()), x64(x.begin(), x.end());
  compare("y", d_y.to_host(stream), network(layer, parameters64, x64), 2e-6);
  const auto by_differences = [&](Vector& values) {
    const double step = 1e-5;
    Vector gradient(values.size());
    for (size_t k = 0; k < values.size(); ++k) {
      const double value = values[k];
      values[k] = value + step;
      const Vector up = network(layer, parameters64, x64);
      values[k] = value - step;
      const Vector down = network(layer, parameters64, x64);
      values[k] = value;
      for (size_t j = 0; j < up.size(); ++j) gradient[k] += double(dy[j]) * (up[j] - down[j]) / (2 * step);
    }
    return gradient;
  };
  compare("dx", d_dx.to_host(stream), by_differences(x64), 1e-5);
  compare("dparameters", d_dparameters.to_host(stream), by_differences(parameters64), 1e-4);
  if (failures == 0) std::printf("a cell of one's own: outputs and gradients are right\n");
  return failures;
}
