#!/usr/bin/env python3
"""check_sample.py WRITE_SAMPLE FILE: what write_sample wrote, read by safetensors' own reader."""
import subprocess
import sys

try:
    import numpy as np
    from safetensors import safe_open
except ImportError as error:
    print(f"skipped: {error} (pip install safetensors numpy)")
    sys.exit(0)

program, path = sys.argv[1:]
subprocess.run([program, path], check=True)
with safe_open(path, framework="numpy") as file:
    tensors = {name: file.get_tensor(name) for name in file.keys()}
    assert file.metadata() == {"format": "pt", 'a "note"': "tab\t and \x01"}, file.metadata()
values = np.array([1.5, -0.0, 2.0**-149, np.inf, -3e38, 0.1], dtype=np.float32)
expected = {"matrix": values.reshape(2, 3), "number": values[5], "empty": np.zeros((3, 0), np.float32),
            'a "name" \\ of\n \u00e9\U0001F600': values[:2]}
at = 0
for name, shape in [("weight_ih", (12, 3)), ("weight_hh", (12, 4)), ("bias_ih", (12,)), ("bias_hh", (12,))]:
    size = int(np.prod(shape))
    expected[f"gru.{name}_l0"] = np.arange(at, at + size, dtype=np.float32).reshape(shape)
    at += size
assert sorted(tensors) == sorted(expected), sorted(tensors)
for name, wanted in expected.items():
    got = tensors[name]
    assert got.dtype == np.float32 and got.shape == wanted.shape and got.tobytes() == wanted.tobytes(), (name, got, wanted)
print(f"{len(tensors)} tensors are read as they were written")
