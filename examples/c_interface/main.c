/* recur from C11: an LSTM learns to say of each bit whether it differs from the one before, then is asked step by step.

   Device memory and streams come from recur/device.h; a program that has the CUDA headers passes what cudaMalloc and
   cudaStreamCreate gave it. Every call returns a status, and recur_last_error() has the sentence. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "recur/recur.h"

enum { T = 12, N = 16, H = 16, CLASSES = 2, UPDATES = 120 }; /* steps, rows, hidden units */

static void check(recur_status status, int line) {
  if (status == RECUR_SUCCESS) return;
  fprintf(stderr, "c_interface: line %d: %s: %s\n", line, recur_status_name(status), recur_last_error());
  exit(1);
}
#define CHECK(call) check(call, __LINE__)

static recur_stream stream;

static void* zeros(size_t bytes) { /* device memory */
  void* memory;
  CHECK(recur_device_allocate(&memory, bytes));
  CHECK(recur_set_zero(memory, bytes, stream));
  return memory;
}

static unsigned next_random(void) {
  static uint32_t state = 1;
  state = state * 1664525u + 1013904223u;
  return state >> 16;
}

/* bits [T,N] and, as targets, whether each differs from its row's last one; before the first comes a 0. */
static void make_sequences(float* bits, int32_t* targets) {
  int k;
  for (k = 0; k < T * N; ++k) {
    bits[k] = (float)(next_random() & 1);
    targets[k] = bits[k] != (k < N ? 0.0f : bits[k - N]);
  }
}

int main(void) {
  static float bits[T * N], values[T * N * CLASSES];
  static int32_t targets[T * N], answers[N];
  recur_layer_descriptor layer_descriptor = {0};
  recur_linear_descriptor linear_descriptor = {0};
  recur_layer_plan* layer;
  recur_linear_plan *linear, *linear_step; /* of T*N rows, and of N */
  recur_layer_sizes sizes;
  recur_linear_sizes linear_sizes, step_sizes;
  recur_layer_forward_args forward = {0};
  recur_layer_backward_args backward = {0};
  recur_layer_step_args step = {0};
  recur_linear_forward_args project = {0}, project_step = {0};
  recur_linear_backward_args project_back = {0};
  recur_cross_entropy_args loss = {0};
  recur_sample_args choose = {0};
  recur_optimizer_step_args update = {0};
  float *parameters, *gradients, *initial, loss_value = 0;
  size_t count, k;
  int i, t, n, right = 0;
  char device[128];

  CHECK(recur_stream_create(&stream));
  CHECK(recur_device_name(device, sizeof device));
  printf("device: %s\n", device);

  /* Plans: everything is checked and chosen here. */
  layer_descriptor.cell = RECUR_CELL_LSTM, layer_descriptor.type = RECUR_TYPE_FLOAT32;
  layer_descriptor.steps = T, layer_descriptor.batch = N;
  layer_descriptor.input_size = 1, layer_descriptor.hidden_size = H;
  CHECK(recur_layer_create(&layer, &layer_descriptor));
  CHECK(recur_layer_get_sizes(layer, &sizes));
  linear_descriptor.type = RECUR_TYPE_FLOAT32, linear_descriptor.rows = T * N;
  linear_descriptor.inputs = H, linear_descriptor.outputs = CLASSES, linear_descriptor.has_bias = 1;
  CHECK(recur_linear_create(&linear, &linear_descriptor));
  CHECK(recur_linear_get_sizes(linear, &linear_sizes));
  linear_descriptor.rows = N;
  CHECK(recur_linear_create(&linear_step, &linear_descriptor));
  CHECK(recur_linear_get_sizes(linear_step, &step_sizes));

  /* All parameters in one buffer, so that one call updates them: the layer's, then W [CLASSES,H] and b [CLASSES]. */
  count = sizes.parameter_elements + CLASSES * H + CLASSES;
  parameters = zeros(count * sizeof(float)), gradients = zeros(count * sizeof(float));
  initial = malloc(count * sizeof(float));
  if (initial == NULL) return 1;
  for (k = 0; k < count; ++k) initial[k] = ((float)next_random() / 32768.0f - 1.0f) / sqrtf(H);
  CHECK(recur_copy_to_device(parameters, initial, count * sizeof(float), stream));

  /* Arguments: structs of named fields, zero where absent, filled once and used again. */
  forward.stream = stream, forward.parameters = parameters;
  forward.x = zeros(sizeof bits), forward.y = zeros(T * N * H * sizeof(float));
  forward.reserve = zeros(sizes.reserve), forward.reserve_size = sizes.reserve;
  forward.workspace = zeros(sizes.training_workspace), forward.workspace_size = sizes.training_workspace;

  project.stream = stream, project.input = forward.y;
  project.weight = parameters + sizes.parameter_elements, project.bias = (const float*)project.weight + CLASSES * H;
  project.output = zeros(sizeof values);
  project.workspace = zeros(linear_sizes.forward_workspace), project.workspace_size = linear_sizes.forward_workspace;

  loss.stream = stream, loss.rows = T * N, loss.classes = CLASSES; /* the mean over all steps and rows */
  loss.logits = project.output, loss.gradient = project.output;    /* in place */
  loss.targets = zeros(sizeof targets), loss.loss = zeros(sizeof(float));
  CHECK(recur_cross_entropy_workspace(T * N, CLASSES, &loss.workspace_size));
  loss.workspace = zeros(loss.workspace_size);

  project_back.stream = stream, project_back.input = forward.y, project_back.weight = project.weight;
  project_back.output_gradient = loss.gradient, project_back.input_gradient = zeros(T * N * H * sizeof(float));
  project_back.weight_gradient = gradients + sizes.parameter_elements;
  project_back.bias_gradient = project_back.weight_gradient + CLASSES * H;
  project_back.workspace = zeros(linear_sizes.backward_workspace);
  project_back.workspace_size = linear_sizes.backward_workspace;

  backward.stream = stream, backward.parameters = parameters, backward.x = forward.x, backward.y = forward.y;
  backward.dy = project_back.input_gradient, backward.dparameters = gradients;
  backward.reserve = forward.reserve, backward.reserve_size = forward.reserve_size;
  backward.workspace = zeros(sizes.backward_workspace), backward.workspace_size = sizes.backward_workspace;

  update.stream = stream, update.kind = RECUR_OPTIMIZER_ADAM, update.size = (int64_t)count;
  update.parameters = parameters, update.gradients = gradients, update.step = zeros(sizeof(int64_t));
  update.first_moment = zeros(count * sizeof(float)), update.second_moment = zeros(count * sizeof(float));
  update.learning_rate = 0.03f, update.beta1 = 0.9f, update.beta2 = 0.999f, update.epsilon = 1e-8f;
  update.workspace = zeros(RECUR_OPTIMIZER_WORKSPACE), update.workspace_size = RECUR_OPTIMIZER_WORKSPACE;

  for (i = 1; i <= UPDATES; ++i) {
    make_sequences(bits, targets);
    CHECK(recur_copy_to_device((void*)forward.x, bits, sizeof bits, stream));
    CHECK(recur_copy_to_device((void*)loss.targets, targets, sizeof targets, stream));
    CHECK(recur_layer_forward(layer, &forward));
    CHECK(recur_linear_forward(linear, &project));
    CHECK(recur_cross_entropy(&loss));
    CHECK(recur_linear_backward(linear, &project_back));
    CHECK(recur_layer_backward(layer, &backward));
    CHECK(recur_optimizer_step(&update));
    if (i != 1 && i % 20 != 0) continue;
    CHECK(recur_copy_to_host(&loss_value, loss.loss, sizeof loss_value, stream)); /* waits */
    printf("update %3d: loss %.4f\n", i, loss_value);
  }

  /* New sequences, one step at a time: the state goes from h into h_next, c stays in place. */
  step.stream = stream, step.parameters = parameters, step.x = forward.x;
  step.h = zeros(N * H * sizeof(float)), step.h_next = zeros(N * H * sizeof(float));
  step.c = step.c_next = zeros(N * H * sizeof(float));
  step.workspace = zeros(sizes.step_workspace), step.workspace_size = sizes.step_workspace;
  project_step = project;
  project_step.workspace_size = step_sizes.forward_workspace;
  project_step.workspace = zeros(step_sizes.forward_workspace);
  choose.stream = stream, choose.rows = N, choose.classes = CLASSES, choose.logits = project.output;
  choose.samples = zeros(sizeof answers); /* temperature 0: the largest */
  make_sequences(bits, targets);
  for (t = 0; t < T; ++t) {
    void* state = step.h_next;
    CHECK(recur_copy_to_device((void*)step.x, bits + t * N, N * sizeof(float), stream));
    CHECK(recur_layer_step(layer, &step));
    project_step.input = step.h_next;
    CHECK(recur_linear_forward(linear_step, &project_step));
    CHECK(recur_sample(&choose));
    CHECK(recur_copy_to_host(answers, choose.samples, sizeof answers, stream));
    for (n = 0; n < N; ++n) right += answers[n] == targets[t * N + n];
    step.h_next = (void*)step.h, step.h = state;
  }
  printf("%d of %d new bits are told right\n", right, T * N);

  recur_layer_destroy(layer);
  recur_linear_destroy(linear);
  recur_linear_destroy(linear_step);
  free(initial); /* the device's memory goes with the process; recur_device_free gives it back before */
  CHECK(recur_stream_destroy(stream));
  return right * 100 >= T * N * 99 ? 0 : 1;
}
