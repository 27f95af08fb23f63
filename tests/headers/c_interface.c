/* The C interface from C: every declared function links, and calls without a device behave as documented. */
#include <stdio.h>
#include <string.h>

#include "recur/recur.h"

typedef void (*function)(void);

/* Function pointers, so that a declaration without a definition fails to link. */
static const function functions[] = {
    (function)recur_last_error,
    (function)recur_status_name,
    (function)recur_device_allocate,
    (function)recur_device_free,
    (function)recur_stream_create,
    (function)recur_stream_destroy,
    (function)recur_stream_synchronize,
    (function)recur_copy_to_device,
    (function)recur_copy_to_host,
    (function)recur_copy_on_device,
    (function)recur_set_zero,
    (function)recur_device_name,
    (function)recur_layer_create,
    (function)recur_layer_destroy,
    (function)recur_layer_get_sizes,
    (function)recur_layer_get_choice,
    (function)recur_layer_get_parameter,
    (function)recur_layer_cast_parameters,
    (function)recur_layer_forward,
    (function)recur_layer_backward,
    (function)recur_layer_capture_forward,
    (function)recur_layer_capture_backward,
    (function)recur_layer_graph_launch,
    (function)recur_layer_graph_destroy,
    (function)recur_layer_step,
    (function)recur_linear_create,
    (function)recur_linear_destroy,
    (function)recur_linear_get_sizes,
    (function)recur_linear_forward,
    (function)recur_linear_backward,
    (function)recur_linear_cast_parameters,
    (function)recur_embedding_forward,
    (function)recur_embedding_backward_workspace,
    (function)recur_embedding_backward,
    (function)recur_cross_entropy_workspace,
    (function)recur_cross_entropy,
    (function)recur_sample,
    (function)recur_global_norm_workspace,
    (function)recur_global_norm,
    (function)recur_optimizer_step,
    (function)recur_weights_create,
    (function)recur_weights_destroy,
    (function)recur_weights_add,
    (function)recur_weights_set_attribute,
    (function)recur_weights_get_count,
    (function)recur_weights_get,
    (function)recur_weights_find,
    (function)recur_weights_get_attribute,
    (function)recur_weights_read,
    (function)recur_weights_parse,
    (function)recur_weights_write,
    (function)recur_weights_import,
    (function)recur_weights_export,
};

static int failures = 0;

static void expect(int holds, const char* what) {
  if (holds) return;
  ++failures;
  fprintf(stderr, "does not hold: %s\n", what);
}

int main(void) {
  size_t i;
  recur_layer_plan* plan = (recur_layer_plan*)&failures; /* anything but NULL: create has to reset it */
  recur_layer_descriptor descriptor = {0};
  for (i = 0; i < sizeof functions / sizeof functions[0]; ++i) expect(functions[i] != NULL, "a function has an address");

  expect(strcmp(recur_status_name(RECUR_SUCCESS), "RECUR_SUCCESS") == 0, "the name of RECUR_SUCCESS");
  expect(strcmp(recur_status_name(RECUR_BUFFER_TOO_SMALL), "RECUR_BUFFER_TOO_SMALL") == 0, "the name of a status");
  expect(recur_status_name((recur_status)99) != NULL, "an unknown status has a name");
  expect(strcmp(recur_last_error(), "") == 0, "no error before the first call");
  expect(recur_layer_create(&plan, &descriptor) == RECUR_INVALID_ARGUMENT, "a descriptor of zeros is refused");
  expect(plan == NULL, "no plan after an error");
  expect(strstr(recur_last_error(), "cell") != NULL, "the text names the first field that is missing");
  expect(recur_layer_create(NULL, &descriptor) == RECUR_INVALID_ARGUMENT, "no place for the plan");
  expect(recur_layer_create(&plan, NULL) == RECUR_INVALID_ARGUMENT, "no descriptor");
  recur_layer_destroy(NULL);
  recur_linear_destroy(NULL);
  expect(recur_device_free(NULL) == RECUR_SUCCESS, "freeing NULL");
  return failures == 0 ? 0 : 1;
}
