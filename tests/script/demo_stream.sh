#!/usr/bin/env bash
# The example that streams through a network trained in PyTorch: its error on the held-out years is the one that train.py
# printed when it saved the weights, and wrong files are refused.
set -u
. "$(dirname "$0")/demo_checks.sh" "$1" "$2" stream

folder=$(dirname "$2")/examples/stream
weights=$folder/sunspots.safetensors
run_once "$work/first.txt"
tail -n 3 "$work/first.txt"
prints "Held out, 88 years: error 16.48 sunspots"
[ "$(grep -c expected "$work/first.txt")" -eq 88 ] || fault "not 88 years"

expect "missing.safetensors: it cannot be opened" --weights "$work/missing.safetensors"
expect "this is a folder" --weights "$work"
expect "this is no safetensors file" --weights "$folder/main.cpp"
head -c 2000 "$weights" >"$work/short.safetensors"
expect "the file is truncated" --weights "$work/short.safetensors"
sed 's/rnn[.]weight_ih_l0/rnn.weight_xx_l0/' "$weights" >"$work/renamed.safetensors"
expect "tensor 'rnn.weight_ih_l0' of shape [64, 1] is missing" --weights "$work/renamed.safetensors"
sed 's/rnn[.]weight_hh_l0/rnn.weight_xx_l0/' "$weights" >"$work/nameless.safetensors"
expect "there is no tensor 'rnn.weight_hh_l0'" --weights "$work/nameless.safetensors"
expect "missing.csv' cannot be opened" --data "$work/missing.csv"
printf 'year,sunspots\n1700,5\n1701,many\n' >"$work/word.csv"
expect "word.csv', line 3: '1701,many' is no year,sunspots" --data "$work/word.csv"
printf 'year,sunspots\n1700,5\n1701,11\n' >"$work/early.csv"
expect "early.csv' has no year after 1920" --data "$work/early.csv"
printf 'year,sunspots\n1950,5\n' >"$work/one.csv"
expect "fewer than two years" --data "$work/one.csv"
expect "--wieghts" --wieghts "$weights"
same_options
[ $faults -eq 0 ]
