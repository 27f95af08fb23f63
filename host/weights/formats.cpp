// The tensors of each format, from its own documents: torch.nn.LSTM, GRU and RNN; cudnnGetRNNWeightParams; Keras's
// LSTMCell, GRUCell and SimpleRNNCell; ONNX's operators LSTM, GRU and RNN; oneDNN's guide to its RNN primitive.
#include "../check.hpp"
#include "attributes.hpp"
#include "mapping.hpp"

namespace recur {
namespace {

using Order = std::vector<int64_t>;  // our gate at each place of theirs

// One layer and direction, in our terms.
struct Pass {
  const Geometry& g;
  int64_t layer, direction;

  int64_t at(recur_parameter which, int64_t row = 0) const {
    const recur_parameter_place place = g.parameter(layer, direction, which);
    return static_cast<int64_t>(place.offset) + row * place.columns;
  }
  int64_t columns(recur_parameter which) const { return g.parameter(layer, direction, which).columns; }

  // A gate's matrix [H, columns], or vector [H]; theirs begins at `theirs` and has these strides.
  Block gate(recur_parameter which, int64_t gate, int64_t theirs, int64_t row_stride, int64_t column_stride) const {
    return {at(which, gate * g.H), theirs, g.H, columns(which), row_stride, column_stride};
  }
  // All of a parameter as it lies.
  Block whole(recur_parameter which) const {
    const recur_parameter_place p = g.parameter(layer, direction, which);
    return {static_cast<int64_t>(p.offset), 0, p.rows, p.columns, p.columns, 1};
  }
  // Our two biases of a gate as one of theirs.
  Block both_biases(int64_t gate, int64_t theirs) const {
    Block block = this->gate(RECUR_PARAMETER_B_IH, gate, theirs, 1, 1);
    block.also_ours = at(RECUR_PARAMETER_B_HH, gate * g.H);
    return block;
  }
};

bool is_gru(const recur_layer_descriptor& d) {
  return d.cell == RECUR_CELL_GRU || d.cell == RECUR_CELL_GRU_RESET_BEFORE;
}

Order order(const Geometry& g, const Order& of_lstm, const Order& of_gru) {
  return g.G == 4 ? of_lstm : g.G == 3 ? of_gru : Order{0};
}

std::string direction_suffix(const Pass& p) { return p.direction == 1 ? "_reverse" : ""; }

void add_pytorch(const recur_layer_descriptor&, const Pass& p, Mapping& m) {
  const Geometry& g = p.g;
  const std::string end = "_l" + std::to_string(p.layer) + direction_suffix(p);
  m.tensors.push_back({"weight_ih" + end, {g.G * g.H, g.inputs(p.layer)}, {p.whole(RECUR_PARAMETER_W_IH)}});
  m.tensors.push_back({"weight_hh" + end, {g.G * g.H, g.R}, {p.whole(RECUR_PARAMETER_W_HH)}});
  m.tensors.push_back({"bias_ih" + end, {g.G * g.H}, {p.whole(RECUR_PARAMETER_B_IH)}, 0});
  m.tensors.push_back({"bias_hh" + end, {g.G * g.H}, {p.whole(RECUR_PARAMETER_B_HH)}, 0});
  if (g.P > 0) m.tensors.push_back({"weight_hr" + end, {g.P, g.H}, {p.whole(RECUR_PARAMETER_W_HR)}});
}

void add_cudnn(const recur_layer_descriptor&, const Pass& p, Mapping& m) {
  const Geometry& g = p.g;
  const std::string pseudo_layer = "pseudo_layer_" + std::to_string(p.layer * g.D + p.direction) + "/lin_layer_";
  for (int64_t id = 0; id < 2 * g.G; ++id) {
    const bool input = id < g.G;
    const recur_parameter w = input ? RECUR_PARAMETER_W_IH : RECUR_PARAMETER_W_HH;
    const std::string name = pseudo_layer + std::to_string(id);
    const int64_t columns = p.columns(w);
    m.tensors.push_back({name + "/matrix", {g.H, columns}, {p.gate(w, id % g.G, 0, columns, 1)}});
    m.tensors.push_back({name + "/bias",
                         {g.H},
                         {p.gate(input ? RECUR_PARAMETER_B_IH : RECUR_PARAMETER_B_HH, id % g.G, 0, 1, 1)},
                         input ? 0 : 1});
  }
  if (g.P > 0) m.tensors.push_back({pseudo_layer + "8/matrix", {g.P, g.H}, {p.whole(RECUR_PARAMETER_W_HR)}});
}

void add_keras(const recur_layer_descriptor& d, const Pass& p, Mapping& m) {
  const Geometry& g = p.g;
  const Order gates = order(g, {0, 1, 2, 3}, {1, 0, 2});  // i f c o; z r h
  const std::string name = "layer_" + std::to_string(p.layer) + "/" +
                           (g.D == 1           ? ""
                            : p.direction == 0 ? "forward_layer/"
                                               : "backward_layer/");
  const bool two = d.cell == RECUR_CELL_GRU;
  const int64_t width = g.G * g.H;
  MappedTensor kernel{name + "kernel", {g.inputs(p.layer), width}, {}};
  MappedTensor recurrent{name + "recurrent_kernel", {g.H, width}, {}};
  MappedTensor bias{name + "bias",
                    two ? std::vector<int64_t>{2, width} : std::vector<int64_t>{width},
                    {},
                    static_cast<int>(p.layer * g.D + p.direction)};
  for (int64_t place = 0; place < g.G; ++place) {
    const int64_t gate = gates[static_cast<size_t>(place)], begin = place * g.H;
    kernel.blocks.push_back(p.gate(RECUR_PARAMETER_W_IH, gate, begin, 1, width));
    recurrent.blocks.push_back(p.gate(RECUR_PARAMETER_W_HH, gate, begin, 1, width));
    if (two) {
      bias.blocks.push_back(p.gate(RECUR_PARAMETER_B_IH, gate, begin, 1, 1));
      bias.blocks.push_back(p.gate(RECUR_PARAMETER_B_HH, gate, width + begin, 1, 1));
    } else {
      bias.blocks.push_back(p.both_biases(gate, begin));
    }
  }
  for (MappedTensor* t : {&kernel, &recurrent, &bias}) m.tensors.push_back(*t);
}

// Both directions lie in one tensor: made with the first, added to with the second.
MappedTensor& shared(const Pass& p, Mapping& m, size_t count, size_t which, const MappedTensor& made) {
  if (p.direction == 0) m.tensors.push_back(made);
  return p.direction == 0 ? m.tensors.back() : m.tensors[m.tensors.size() - count + which];
}

void add_onnx(const recur_layer_descriptor& d, const Pass& p, Mapping& m) {
  const Geometry& g = p.g;
  const Order gates = order(g, {0, 3, 1, 2}, {1, 0, 2});  // i o f c; z r h
  const std::string name = "layer_" + std::to_string(p.layer) + "/";
  const int64_t rows = g.G * g.H, columns = g.inputs(p.layer);
  const size_t count = d.peepholes != 0 ? 4 : 3;
  const auto place_of = [&](int64_t place, int64_t width) { return (p.direction * g.G + place) * g.H * width; };
  MappedTensor& w = shared(p, m, count, 0, {name + "W", {g.D, rows, columns}, {}});
  for (int64_t k = 0; k < g.G; ++k)
    w.blocks.push_back(p.gate(RECUR_PARAMETER_W_IH, gates[static_cast<size_t>(k)], place_of(k, columns), columns, 1));
  MappedTensor& r = shared(p, m, count, 1, {name + "R", {g.D, rows, g.H}, {}});
  for (int64_t k = 0; k < g.G; ++k)
    r.blocks.push_back(p.gate(RECUR_PARAMETER_W_HH, gates[static_cast<size_t>(k)], place_of(k, g.H), g.H, 1));
  MappedTensor& b = shared(p, m, count, 2, {name + "B", {g.D, 2 * rows}, {}, static_cast<int>(p.layer)});
  for (int64_t k = 0; k < g.G; ++k) {
    const int64_t gate = gates[static_cast<size_t>(k)], begin = p.direction * 2 * rows + k * g.H;
    b.blocks.push_back(p.gate(RECUR_PARAMETER_B_IH, gate, begin, 1, 1));
    b.blocks.push_back(p.gate(RECUR_PARAMETER_B_HH, gate, begin + rows, 1, 1));
  }
  if (d.peepholes == 0) return;
  MappedTensor& peepholes = shared(p, m, count, 3, {name + "P", {g.D, 3 * g.H}, {}});
  const int64_t peephole = p.at(RECUR_PARAMETER_PEEPHOLE);  // ours: i f o
  const Order theirs = {0, 2, 1};                           // i o f
  for (int64_t k = 0; k < 3; ++k)
    peepholes.blocks.push_back(
        {peephole + theirs[static_cast<size_t>(k)] * g.H, (p.direction * 3 + k) * g.H, 1, g.H, g.H, 1});
}

void add_onednn(const recur_layer_descriptor& d, const Pass& p, Mapping& m) {
  const Geometry& g = p.g;
  const Order gates = order(g, {0, 1, 2, 3}, {1, 0, 2});  // i f c o; u r o
  const std::string name = "layer_" + std::to_string(p.layer) + "/";
  const bool lbr = d.cell == RECUR_CELL_GRU;
  const int64_t columns = g.inputs(p.layer), width = g.G * g.H, biases = lbr ? 4 : g.G;
  const size_t count = 3 + (d.peepholes != 0 ? 1 : 0) + (g.P > 0 ? 1 : 0);
  MappedTensor& w = shared(p, m, count, 0, {name + "weights_layer", {1, g.D, columns, g.G, g.H}, {}});
  for (int64_t k = 0; k < g.G; ++k)
    w.blocks.push_back(
        p.gate(RECUR_PARAMETER_W_IH, gates[static_cast<size_t>(k)], p.direction * columns * width + k * g.H, 1, width));
  MappedTensor& r = shared(p, m, count, 1, {name + "weights_iter", {1, g.D, g.R, g.G, g.H}, {}});
  for (int64_t k = 0; k < g.G; ++k)
    r.blocks.push_back(
        p.gate(RECUR_PARAMETER_W_HH, gates[static_cast<size_t>(k)], p.direction * g.R * width + k * g.H, 1, width));
  MappedTensor& b = shared(p, m, count, 2, {name + "bias", {1, g.D, biases, g.H}, {}, static_cast<int>(p.layer)});
  for (int64_t k = 0; k < g.G; ++k) {
    const int64_t gate = gates[static_cast<size_t>(k)], begin = (p.direction * biases + k) * g.H;
    // The fourth bias of the GRU that is linear before its reset is the candidate's recurrent one.
    b.blocks.push_back(lbr && gate == 2 ? p.gate(RECUR_PARAMETER_B_IH, gate, begin, 1, 1) : p.both_biases(gate, begin));
    if (lbr && gate == 2) b.blocks.push_back(p.gate(RECUR_PARAMETER_B_HH, gate, begin + g.H, 1, 1));
  }
  size_t next = 3;
  if (d.peepholes != 0) {
    MappedTensor& t = shared(p, m, count, next++, {name + "weights_peephole", {1, g.D, 3, g.H}, {}});
    t.blocks.push_back({p.at(RECUR_PARAMETER_PEEPHOLE), p.direction * 3 * g.H, 3, g.H, g.H, 1});  // i f o, as ours
  }
  if (g.P > 0) {
    MappedTensor& t = shared(p, m, count, next, {name + "weights_projection", {1, g.D, g.H, g.P}, {}});
    t.blocks.push_back({p.at(RECUR_PARAMETER_W_HR), p.direction * g.H * g.P, g.P, g.H, 1, g.P});
  }
}

void refuse_what_it_has_not(recur_weights_format format, const recur_layer_descriptor& d) {
  const auto refuse = [&](bool has, const std::string& what) {
    if (has)
      throw Failure(RECUR_NOT_SUPPORTED, std::string(name_of(format)) + " has no " + what + ", and the plan has");
  };
  const bool pytorch = format == RECUR_WEIGHTS_PYTORCH, cudnn = format == RECUR_WEIGHTS_CUDNN,
             keras = format == RECUR_WEIGHTS_KERAS, onnx = format == RECUR_WEIGHTS_ONNX;
  refuse(d.cell == RECUR_CELL_CUSTOM, "custom cell");
  refuse(d.activation != RECUR_ACTIVATION_STANDARD, "linear activation");
  refuse(d.cell == RECUR_CELL_GRU_RESET_BEFORE && (pytorch || cudnn), "GRU that resets before its product");
  refuse(d.peepholes != 0 && (pytorch || cudnn || keras), "peepholes");
  refuse(d.projection_size != 0 && (keras || onnx), "projection (projection_size)");
  refuse(d.cell_clip != 0 && !cudnn, "clip of the cell (cell_clip)");
}

}  // namespace

const char* name_of(recur_weights_format format) {
  switch (format) {
    case RECUR_WEIGHTS_PYTORCH:
      return "PyTorch";
    case RECUR_WEIGHTS_CUDNN:
      return "cuDNN";
    case RECUR_WEIGHTS_KERAS:
      return "Keras";
    case RECUR_WEIGHTS_ONNX:
      return "ONNX";
    case RECUR_WEIGHTS_ONEDNN:
      return "oneDNN";
  }
  return "unknown";
}

Mapping mapping(recur_weights_format format, const recur_layer_descriptor& d, const Geometry& g) {
  refuse_what_it_has_not(format, d);
  Mapping m;
  m.attributes = exported_attributes(format, d);
  for (int64_t layer = 0; layer < g.L; ++layer) {
    for (int64_t direction = 0; direction < g.D; ++direction) {
      const Pass pass{g, layer, direction};
      switch (format) {
        case RECUR_WEIGHTS_PYTORCH:
          add_pytorch(d, pass, m);
          break;
        case RECUR_WEIGHTS_CUDNN:
          add_cudnn(d, pass, m);
          break;
        case RECUR_WEIGHTS_KERAS:
          add_keras(d, pass, m);
          break;
        case RECUR_WEIGHTS_ONNX:
          add_onnx(d, pass, m);
          break;
        case RECUR_WEIGHTS_ONEDNN:
          add_onednn(d, pass, m);
          break;
      }
    }
  }
  return m;
}

}  // namespace recur
