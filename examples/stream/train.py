#!/usr/bin/env python3
"""Trains the network that the example streams with, in PyTorch: next year's sunspots from those of the years before.

    pip install torch safetensors
    python3 examples/stream/train.py     # writes examples/stream/sunspots.safetensors

An LSTM and a linear head, on the years 1700 to 1899; 1900 to 1920 choose how long to train; the years from
1921 on are held out. The file in the repository is of PyTorch 1.13 and seed 0.
"""
import copy
import csv
import os

import torch
from safetensors.torch import save_file

here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "..", "data", "sunspots.csv")) as file:
    rows = [(int(row["year"]), float(row["sunspots"])) for row in csv.DictReader(file)]
years = [year for year, _ in rows]
values = torch.tensor([value for _, value in rows]).sqrt() / 10  # a count's square root varies evenly
train, chosen, held_out = years.index(1900), years.index(1921), len(years)


class Forecast(torch.nn.Module):
    def __init__(self, hidden=16):
        super().__init__()
        self.rnn = torch.nn.LSTM(1, hidden)
        self.head = torch.nn.Linear(hidden, 1)

    def forward(self, x):
        """x [T,1,1] -> the next value after each step [T]"""
        return self.head(self.rnn(x)[0]).flatten()


def error(prediction, begin, end):
    """Of the predictions of begin..end-1, in sunspots: the root of the mean square."""
    forecast = (10 * prediction[begin - 1:end - 1]).clamp(min=0) ** 2
    return ((forecast - (10 * values[begin:end]) ** 2) ** 2).mean().sqrt().item()


torch.manual_seed(0)
torch.set_num_threads(1)
model = Forecast()
optimiser = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=1e-4)
x = values[:-1].reshape(-1, 1, 1)
best, best_state = float("inf"), None
for epoch in range(1, 601):
    optimiser.zero_grad()
    prediction = model(x[:train - 1])
    loss = ((prediction - values[1:train]) ** 2).mean()
    loss.backward()
    optimiser.step()
    if epoch % 10 == 0:
        with torch.no_grad():
            now = error(model(x), train, chosen)
        if now < best:
            best, best_state, at = now, copy.deepcopy(model.state_dict()), epoch
model.load_state_dict(best_state)
with torch.no_grad():
    prediction = model(x)
print(f"epoch {at}: 1701-1899 {error(prediction, 1, train):.2f}, 1900-1920 {best:.2f}, "
      f"1921-2008 {error(prediction, chosen, held_out):.2f}")
save_file(model.state_dict(), os.path.join(here, "sunspots.safetensors"))
