// Writes a safetensors file for check_sample.py: a matrix, a number alone, an empty tensor, names and attributes that need
// escapes, and a layer's weights.
#include <cstdio>
#include <limits>

#include "recur/recur.hpp"

int main(int count, char** arguments) {
  if (count != 2) return 2;
  try {
    recur::Weights set;
    const float values[6] = {1.5f, -0.0f, 0x1p-149f, std::numeric_limits<float>::infinity(), -3e38f, 0.1f};
    set.add("matrix", {2, 3}, values);
    set.add("number", {}, values + 5);
    set.add("empty", {3, 0}, nullptr);
    set.add("a \"name\" \\ of\n \u00e9\U0001F600", {2}, values);
    set.set_attribute("format", "pt");
    set.set_attribute("a \"note\"", "tab\t and \x01");
    recur_layer_descriptor d = {};
    d.cell = RECUR_CELL_GRU, d.type = RECUR_TYPE_FLOAT32, d.steps = 1, d.batch = 1, d.input_size = 3, d.hidden_size = 4;
    const recur::Layer gru(d);
    std::vector<float> parameters(gru.sizes().parameter_elements);
    for (size_t k = 0; k < parameters.size(); ++k) parameters[k] = float(k);
    set.add_parameters(gru, RECUR_WEIGHTS_PYTORCH, parameters, "gru.");
    set.write(arguments[1]);
    return 0;
  } catch (const recur::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
