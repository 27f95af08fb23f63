/* A training step and inference from C11, by values that a hand can compute: an LSTM of one unit over two steps whose
   parameters are all 0, so that i = f = o = 1/2, g = 0, c halves at each step and h = tanh(c)/2. Then the parts around
   it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recur/recur.h"

enum { T = 2, PARAMETERS = 16 }; /* W_ih, W_hh, b_ih, b_hh, each of four gates */

static int failures = 0;
static recur_stream stream;

static void check(recur_status status, const char* call) {
  if (status == RECUR_SUCCESS) return;
  fprintf(stderr, "%s: %s: %s\n", call, recur_status_name(status), recur_last_error());
  exit(1);
}
#define CHECK(call) check(call, #call)

static void compare(const char* name, const float* values, const double* expected, size_t count) {
  size_t k;
  for (k = 0; k < count; ++k) {
    if (fabs(values[k] - expected[k]) <= 1e-6) continue;
    fprintf(stderr, "%s[%zu] is %.9g, and should be %.9g\n", name, k, (double)values[k], expected[k]);
    ++failures;
  }
}

/* Device memory with these bytes, or zeros. */
static void* on_device(const void* values, size_t bytes) {
  void* memory;
  CHECK(recur_device_allocate(&memory, bytes));
  if (values != NULL) CHECK(recur_copy_to_device(memory, values, bytes, stream));
  else CHECK(recur_set_zero(memory, bytes, stream));
  return memory;
}
static void expect(const char* name, const void* device, const double* expected, size_t count) {
  float values[PARAMETERS];
  CHECK(recur_copy_to_host(values, device, count * sizeof(float), stream));
  compare(name, values, expected, count);
}

static double sigmoid(double a) { return 1 / (1 + exp(-a)); }
/* y[0], y[1] of the unit from c0 = 1, the state's formula as recur/layer.h states it. */
static void lstm(const double* p, const double* x, double* y) {
  double h = 0, c = 1;
  int t, g;
  for (t = 0; t < T; ++t) {
    double a[4];
    for (g = 0; g < 4; ++g) a[g] = p[g] * x[t] + p[4 + g] * h + p[8 + g] + p[12 + g];
    c = sigmoid(a[1]) * c + sigmoid(a[0]) * tanh(a[2]);
    h = sigmoid(a[3]) * tanh(c);
    y[t] = h;
  }
}

static void layer(void) {
  const float x_values[T] = {1, 2}, one[1] = {1}, dy_values[T] = {0, 1}; /* the loss is h of step 2 */
  const double x[T] = {1, 2}, y_before[T] = {0.5 * tanh(0.5), 0.5 * tanh(0.25)};
  /* The gradients of step 2: of a_o o, of c dc, and so of a_f dc/8 and of a_g dc/2; of step 1, where c's is dc/2: of a_f
     dc/8 and of a_g dc/4. Of a_i nothing, as g = 0. Each is multiplied by x, by h of the step before, or by 1. */
  const double o = 0.25 * tanh(0.25), dc = 0.5 * (1 - tanh(0.25) * tanh(0.25)), h1 = y_before[0], zeros[T] = {0, 0};
  const double gradient[PARAMETERS] = {0, 0.375 * dc,      1.25 * dc,     2 * o,   /* W_ih */
                                       0, 0.125 * dc * h1, 0.5 * dc * h1, o * h1,  /* W_hh */
                                       0, 0.25 * dc,       0.75 * dc,     o,       /* b_ih */
                                       0, 0.25 * dc,       0.75 * dc,     o};      /* b_hh */
  const double dc0_expected[1] = {0.25 * dc};
  double updated[PARAMETERS], y_after[T];
  recur_layer_descriptor d = {0};
  recur_layer_plan* plan;
  recur_layer_sizes sizes;
  recur_layer_forward_args f = {0};
  recur_layer_backward_args b = {0};
  recur_optimizer_step_args u = {0};
  recur_layer_step_args s = {0};
  void *parameters, *c0, *dc0, *dx, *h[2];
  int k;

  d.cell = RECUR_CELL_LSTM, d.type = RECUR_TYPE_FLOAT32;
  d.steps = T, d.batch = 1, d.input_size = 1, d.hidden_size = 1;
  CHECK(recur_layer_create(&plan, &d));
  CHECK(recur_layer_get_sizes(plan, &sizes));
  if (sizes.parameter_elements != PARAMETERS) {
    fprintf(stderr, "there are %zu parameters\n", sizes.parameter_elements);
    exit(1);
  }
  parameters = on_device(NULL, PARAMETERS * sizeof(float));
  c0 = on_device(one, sizeof one);

  f.stream = stream, f.parameters = parameters, f.c0 = c0;
  f.x = on_device(x_values, sizeof x_values), f.y = on_device(NULL, T * sizeof(float));
  f.reserve = on_device(NULL, sizes.reserve), f.reserve_size = sizes.reserve;
  f.workspace = on_device(NULL, sizes.training_workspace), f.workspace_size = sizes.training_workspace;
  CHECK(recur_layer_forward(plan, &f));
  expect("y", f.y, y_before, T);

  dc0 = on_device(NULL, sizeof(float)), dx = on_device(NULL, T * sizeof(float));
  b.stream = stream, b.parameters = parameters, b.c0 = c0, b.x = f.x, b.y = f.y;
  b.dy = on_device(dy_values, sizeof dy_values), b.dx = dx, b.dc0 = dc0;
  b.dparameters = on_device(NULL, PARAMETERS * sizeof(float));
  b.reserve = f.reserve, b.reserve_size = f.reserve_size;
  b.workspace = on_device(NULL, sizes.backward_workspace), b.workspace_size = sizes.backward_workspace;
  CHECK(recur_layer_backward(plan, &b));
  expect("dparameters", b.dparameters, gradient, PARAMETERS);
  expect("dc0", dc0, dc0_expected, 1);
  expect("dx", dx, zeros, T);

  /* p -= 0.5 g; then inference, in one call and step by step. */
  u.stream = stream, u.kind = RECUR_OPTIMIZER_SGD, u.size = PARAMETERS, u.parameters = parameters;
  u.gradients = b.dparameters, u.step = on_device(NULL, sizeof(int64_t)), u.learning_rate = 0.5f;
  u.workspace = on_device(NULL, RECUR_OPTIMIZER_WORKSPACE), u.workspace_size = RECUR_OPTIMIZER_WORKSPACE;
  CHECK(recur_optimizer_step(&u));
  for (k = 0; k < PARAMETERS; ++k) updated[k] = -0.5 * gradient[k];
  expect("the updated parameters", parameters, updated, PARAMETERS);
  lstm(updated, x, y_after);
  if (!(y_after[1] < y_before[1])) ++failures, fprintf(stderr, "the step does not go down\n");

  f.reserve = NULL, f.reserve_size = 0;
  f.workspace = on_device(NULL, sizes.inference_workspace), f.workspace_size = sizes.inference_workspace;
  CHECK(recur_layer_forward(plan, &f));
  expect("y after the step", f.y, y_after, T);

  h[0] = on_device(NULL, sizeof(float)), h[1] = on_device(NULL, sizeof(float));
  s.stream = stream, s.parameters = parameters, s.c = s.c_next = c0; /* c in place */
  s.workspace = on_device(NULL, sizes.step_workspace), s.workspace_size = sizes.step_workspace;
  for (k = 0; k < T; ++k) {
    s.x = (const float*)f.x + k, s.h = h[k], s.h_next = h[1 - k];
    CHECK(recur_layer_step(plan, &s));
    expect("h of a step", s.h_next, &y_after[k], 1);
  }
  recur_layer_destroy(plan);
}

/* A row of equal logits: the loss is log 3, the gradient p - [j = t]; the norm of (3, 4) is 5. */
static void around(void) {
  const float equal[3] = {2, 2, 2}, rising[3] = {1, 2, 3}, pair[2] = {3, 4};
  const int32_t target[1] = {1};
  const int64_t count = 2;
  const double loss[1] = {log(3.0)}, gradient[3] = {1 / 3.0, -2 / 3.0, 1 / 3.0}, norm[1] = {5}, row[2] = {3, 4};
  const float* buffers[1];
  int32_t drawn[1];
  recur_cross_entropy_args e = {0};
  recur_sample_args s = {0};
  recur_global_norm_args g = {0};
  recur_embedding_forward_args m = {0};

  CHECK(recur_cross_entropy_workspace(1, 3, &e.workspace_size));
  e.stream = stream, e.rows = 1, e.classes = 3, e.logits = on_device(equal, sizeof equal);
  e.targets = on_device(target, sizeof target), e.loss = on_device(NULL, sizeof(float));
  e.gradient = on_device(NULL, sizeof equal), e.workspace = on_device(NULL, e.workspace_size);
  CHECK(recur_cross_entropy(&e));
  expect("the loss", e.loss, loss, 1);
  expect("the loss's gradient", e.gradient, gradient, 3);

  s.stream = stream, s.rows = 1, s.classes = 3, s.logits = on_device(rising, sizeof rising);
  s.samples = on_device(NULL, sizeof(int32_t)); /* temperature 0: the largest */
  CHECK(recur_sample(&s));
  CHECK(recur_copy_to_host(drawn, s.samples, sizeof drawn, stream));
  if (drawn[0] != 2) ++failures, fprintf(stderr, "the largest logit is 2, and %d was drawn\n", (int)drawn[0]);

  buffers[0] = on_device(pair, sizeof pair);
  CHECK(recur_global_norm_workspace(1, &count, &g.workspace_size));
  g.stream = stream, g.count = 1, g.buffers = buffers, g.sizes = &count, g.norm = on_device(NULL, sizeof(float));
  g.workspace = on_device(NULL, g.workspace_size);
  CHECK(recur_global_norm(&g));
  expect("the norm", g.norm, norm, 1);

  m.stream = stream, m.count = 1, m.vocabulary = 1, m.size = 2, m.table = buffers[0];
  m.indices = on_device(NULL, sizeof(int32_t)), m.output = on_device(NULL, sizeof pair);
  CHECK(recur_embedding_forward(&m));
  expect("the embedding", m.output, row, 2);
}

int main(void) {
  CHECK(recur_stream_create(&stream));
  layer();
  around();
  CHECK(recur_stream_synchronize(stream));
  CHECK(recur_stream_destroy(stream));
  return failures == 0 ? 0 : 1;
}
