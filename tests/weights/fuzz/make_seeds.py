#!/usr/bin/env python3
"""Writes the corpus's seeds to ../corpus: small files that are right, in every format, and one for each fault. What
the fuzzer found on from there stands beside them under the names that it gives."""
import json
import os
import struct

folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "corpus")


def write(name, header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    with open(os.path.join(folder, "seed-" + name), "wb") as file:
        file.write(struct.pack("<Q", len(text) if length is None else length) + text + data)


def tensors(shapes, notes=None, dtype="F32", size=4):
    header, at = ({"__metadata__": notes} if notes else {}), 0
    for name, shape in shapes.items():
        count = size
        for dimension in shape:
            count *= dimension
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + count]}
        at += count
    return header, bytes(k * 37 % 251 for k in range(at))


I, H, P = 1, 2, 1
for cell, G in [("lstm", 4), ("gru", 3), ("rnn", 1)]:
    for D in (1, 2):
        each = range(D)
        suffix, way = ["", "_reverse"], ["forward_layer/", "backward_layer/"] if D == 2 else [""]
        torch, cudnn, keras = {}, {}, {}
        for d in each:
            torch.update({f"weight_ih_l0{suffix[d]}": [G * H, I], f"weight_hh_l0{suffix[d]}": [G * H, H],
                          f"bias_ih_l0{suffix[d]}": [G * H], f"bias_hh_l0{suffix[d]}": [G * H]})
            for k in range(2 * G):
                cudnn[f"pseudo_layer_{d}/lin_layer_{k}/matrix"] = [H, I if k < G else H]
                cudnn[f"pseudo_layer_{d}/lin_layer_{k}/bias"] = [H]
            keras.update({f"layer_0/{way[d]}kernel": [I, G * H], f"layer_0/{way[d]}recurrent_kernel": [H, G * H],
                          f"layer_0/{way[d]}bias": [2, G * H] if cell == "gru" else [G * H]})
        write(f"pytorch-{cell}-{D}", *tensors(torch))
        write(f"cudnn-{cell}-{D}", *tensors(cudnn))
        write(f"keras-{cell}-{D}", *tensors(keras))
        notes = {"onnx.direction": "bidirectional" if D == 2 else "forward"}
        if cell == "gru":
            notes["onnx.linear_before_reset"] = "1"
        write(f"onnx-{cell}-{D}", *tensors({"layer_0/W": [D, G * H, I], "layer_0/R": [D, G * H, H],
                                            "layer_0/B": [D, 2 * G * H]}, notes))
        write(f"onednn-{cell}-{D}", *tensors({"layer_0/weights_layer": [1, D, I, G, H], "layer_0/weights_iter": [1, D, H, G, H],
                                              "layer_0/bias": [1, D, 4 if cell == "gru" else G, H]}))
write("onnx-peepholes", *tensors({"layer_0/W": [1, 8, 1], "layer_0/R": [1, 8, 2], "layer_0/B": [1, 16], "layer_0/P": [1, 6]}))
write("onednn-projection", *tensors({"layer_0/weights_layer": [1, 1, 1, 4, 2], "layer_0/weights_iter": [1, 1, 1, 4, 2],
                                     "layer_0/bias": [1, 1, 4, 2], "layer_0/weights_projection": [1, 1, 2, 1]}))
write("pytorch-projection", *tensors({"weight_ih_l0": [8, 1], "weight_hh_l0": [8, 1], "weight_hr_l0": [1, 2]}))
write("keras-gru-reset-before", *tensors({"layer_0/kernel": [1, 6], "layer_0/recurrent_kernel": [2, 6], "layer_0/bias": [6]},
                                         {"keras.reset_after": "False"}))
for dtype, size in [("F16", 2), ("BF16", 2), ("F64", 8), ("I64", 8), ("BOOL", 1)]:
    write("type-" + dtype, *tensors({"weight_ih_l0": [2, 1], "weight_hh_l0": [2, 2]}, None, dtype, size))

one = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
write("empty", {})
write("scalar", {"a": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}}, bytes(4))
write("escapes", b'{"\\u00e9\\ud83d\\ude00\\n\\"\\\\":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', bytes(4))
write("truncated-data", {"a": one}, bytes(3))
write("truncated-header", {"a": one}, bytes(4), length=1000)
write("huge-header", {"a": one}, bytes(4), length=2**63)
write("gap", {"a": one, "b": {"dtype": "F32", "shape": [1], "data_offsets": [8, 12]}}, bytes(12))
write("overlap", {"a": one, "b": {"dtype": "F32", "shape": [1], "data_offsets": [2, 6]}}, bytes(6))
write("overflow", {"a": {"dtype": "F32", "shape": [2**32, 2**32], "data_offsets": [0, 0]}})
write("twice", b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', bytes(4))
write("deep", b'{"a":' * 200)
write("brackets", b'{"a":{"shape":' + b"[" * 200)
write("numbers", b'{"a":{"shape":[1e3,-1,0x1],"dtype":"F32"}}')
write("not-utf8", b'{"\xff\xfe":1}')
write("metadata", {"__metadata__": {"format": "pt", "cudnn.clip": "1e39", "onnx.clip": "3"}})
