#!/usr/bin/env python3
"""Makes pytorch.safetensors, keras.safetensors and onnx.safetensors: small networks with random weights, and what each
library computes with them. make_vectors.py pytorch|keras|onnx writes that one file beside this script.

Made with PyTorch 1.13, Keras 3.15 (its JAX backend), onnxruntime 1.32 and safetensors 0.8. The numbers come out of
these libraries and a random generator; nothing of the libraries themselves is in the files.

Each case has an attribute CASE.case or CASE/case, a line as tests/data/network_cases.txt has them (cell T N I H options),
the library's own names and settings of its weights, and x [T,N,I], h0, c0, y [T,N,D*H], hT, cT as recur has them.
"""
import os
import sys

import numpy as np

T, N, I, H, P = 4, 2, 3, 5, 2
random = np.random.default_rng(20)
tensors, notes = {}, {}


def values(*shape):
    """Uniform, and large enough that no gate is near its middle, nor far in its saturation."""
    return random.uniform(-0.9, 0.9, shape).astype(np.float32)


def add(name, array):
    tensors[name] = np.ascontiguousarray(array, dtype=np.float32)


def line(cell, layers, directions, more=""):
    return f"{cell} {T} {N} {I} {H} L{layers} {'D2' if directions == 2 else ''} {more}".strip()


def pytorch():
    import torch
    cases = [("rnn_tanh", torch.nn.RNN, "tanh", {"nonlinearity": "tanh"}, 2, 2),
             ("rnn_relu", torch.nn.RNN, "relu", {"nonlinearity": "relu"}, 2, 2),
             ("lstm", torch.nn.LSTM, "lstm", {}, 2, 2),
             ("lstm_projected", torch.nn.LSTM, "lstm", {"proj_size": P}, 2, 2),
             ("gru", torch.nn.GRU, "gru", {}, 2, 2),
             ("gru_without_bias", torch.nn.GRU, "gru", {"bias": False}, 2, 1)]
    for name, kind, cell, options, L, D in cases:
        module = kind(I, H, num_layers=L, bidirectional=D == 2, **options)
        for key, parameter in module.state_dict().items():
            parameter.copy_(torch.from_numpy(values(*parameter.shape)))
            add(f"{name}.{key}", parameter.numpy())
        R = options.get("proj_size", H)
        x, h0, c0 = values(T, N, I), values(L * D, N, R), values(L * D, N, H)
        state = (torch.from_numpy(h0), torch.from_numpy(c0)) if cell == "lstm" else torch.from_numpy(h0)
        with torch.no_grad():
            y, last = module(torch.from_numpy(x), state)
        for key, array in {"x": x, "h0": h0, "y": y.numpy()}.items():
            add(f"{name}.{key}", array)
        add(f"{name}.hT", (last[0] if cell == "lstm" else last).numpy())
        if cell == "lstm":
            add(f"{name}.c0", c0)
            add(f"{name}.cT", last[1].numpy())
        if "nonlinearity" in options:
            notes[f"{name}.pytorch.nonlinearity"] = options["nonlinearity"]
        notes[f"{name}.case"] = line(cell, L, D, f"P{R}" if R != H else "")


def keras():
    os.environ["KERAS_BACKEND"] = "jax"
    from keras import layers
    cases = [("simple_rnn", layers.SimpleRNN, "tanh", {}, 2, 2),
             ("simple_rnn_relu", layers.SimpleRNN, "relu", {"activation": "relu"}, 2, 2),
             ("lstm", layers.LSTM, "lstm", {}, 2, 2),
             ("lstm_without_bias", layers.LSTM, "lstm", {"use_bias": False}, 1, 1),
             ("gru_reset_after", layers.GRU, "gru", {"reset_after": True}, 2, 2),
             ("gru_reset_before", layers.GRU, "gru_before", {"reset_after": False}, 2, 2),
             ("gru_one_way", layers.GRU, "gru", {}, 2, 1)]
    for name, kind, cell, options, L, D in cases:
        x, states = values(T, N, I), {"h": values(L * D, N, H)}
        if cell == "lstm":
            states["c"] = values(L * D, N, H)
        y, last = np.swapaxes(x, 0, 1), {key: [] for key in states}
        for l in range(L):
            layer = kind(H, return_sequences=True, return_state=True, **options)
            if D == 2:
                layer = layers.Bidirectional(layer)
            layer.build(y.shape)
            ways = [("", layer)] if D == 1 else [("forward_layer/", layer.forward_layer), ("backward_layer/", layer.backward_layer)]
            for way, one in ways:
                for weight in ["kernel", "recurrent_kernel"] + ["bias"] * one.use_bias:
                    variable = getattr(one.cell, weight)
                    variable.assign(values(*variable.shape))
                    add(f"{name}/layer_{l}/{way}{weight}", np.array(variable))
            initial = [states[key][l * D + d] for d in range(D) for key in states]
            out = layer(y, initial_state=initial)
            y = np.array(out[0])
            for k, state in enumerate(out[1:]):
                last[list(states)[k % len(states)]].append(np.array(state))
        for key, array in {"x": x, "y": np.swapaxes(y, 0, 1)}.items():
            add(f"{name}/{key}", array)
        for key in states:
            add(f"{name}/{key}0", states[key])
            add(f"{name}/{key}T", np.stack(last[key]))
        for key, value in options.items():
            if key != "use_bias":
                notes[f"{name}/keras.{key}"] = str(value)
        notes[f"{name}/case"] = line(cell, L, D)


def onnx():
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper
    cases = [("rnn_tanh", "RNN", "tanh", {}, 2, 2), ("rnn_relu", "RNN", "relu", {"activations": ["Relu"]}, 2, 2),
             ("lstm", "LSTM", "lstm", {}, 2, 2), ("lstm_peepholes", "LSTM", "lstm", {}, 2, 2),
             ("lstm_without_bias", "LSTM", "lstm", {}, 1, 1),
             ("gru_linear_before_reset", "GRU", "gru", {"linear_before_reset": 1}, 2, 2),
             ("gru_default", "GRU", "gru_before", {}, 2, 2)]
    for name, operator, cell, options, L, D in cases:
        G = {"RNN": 1, "LSTM": 4, "GRU": 3}[operator]
        attributes = dict(options, hidden_size=H, direction="bidirectional" if D == 2 else "forward")
        if "activations" in options:
            attributes["activations"] = options["activations"] * D
        x, h0, c0 = values(T, N, I), values(L * D, N, H), values(L * D, N, H)
        y, hT, cT = x, [], []
        for l in range(L):
            weights = {"W": values(D, G * H, y.shape[2]), "R": values(D, G * H, H)}
            if not name.endswith("without_bias"):
                weights["B"] = values(D, 2 * G * H)
            if name.endswith("peepholes"):
                weights["P"] = values(D, 3 * H)
            states = {"initial_h": h0[l * D:(l + 1) * D]}
            if operator == "LSTM":
                states["initial_c"] = c0[l * D:(l + 1) * D]
            inputs = ["X", "W", "R", "B" if "B" in weights else "", "", "initial_h"]
            if operator == "LSTM":
                inputs += ["initial_c", "P" if "P" in weights else ""]
            outputs = ["Y", "Y_h"] + ["Y_c"] * (operator == "LSTM")
            node = helper.make_node(operator, inputs, outputs, **attributes)
            graph = helper.make_graph([node], "one", [helper.make_tensor_value_info("X", TensorProto.FLOAT, None)],
                                      [helper.make_tensor_value_info(o, TensorProto.FLOAT, None) for o in outputs],
                                      [numpy_helper.from_array(v, k) for k, v in {**weights, **states}.items()])
            model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
            out = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"X": y})
            y = np.ascontiguousarray(np.swapaxes(out[0], 1, 2)).reshape(T, N, D * H)
            hT.append(out[1])
            cT += out[2:]
            for key, array in weights.items():
                add(f"{name}/layer_{l}/{key}", array)
        for key, array in {"x": x, "h0": h0, "y": y, "hT": np.concatenate(hT)}.items():
            add(f"{name}/{key}", array)
        if operator == "LSTM":
            add(f"{name}/c0", c0)
            add(f"{name}/cT", np.concatenate(cT))
        for key, value in attributes.items():
            notes[f"{name}/onnx.{key}"] = ",".join(value) if isinstance(value, list) else str(value)
        notes[f"{name}/case"] = line(cell, L, D, "peep" if name.endswith("peepholes") else "")


which = sys.argv[1] if len(sys.argv) == 2 else ""
if which not in ("pytorch", "keras", "onnx"):
    sys.exit("usage: make_vectors.py pytorch|keras|onnx")
{"pytorch": pytorch, "keras": keras, "onnx": onnx}[which]()
from safetensors.numpy import save_file
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), which + ".safetensors")
save_file(tensors, path, metadata=notes)
print(f"{path}: {len(tensors)} tensors, {os.path.getsize(path)} bytes")
