#!/usr/bin/env bash
# The streaming example: what it prints on its own files, and one line and exit code 2 for files that are wrong.
# PyTorch's own error on the held-out years, printed by train.py when it saved the weights, is 16.48.
set -u
program=$1
folder=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
faults=0
fault() { echo "FAULT: $1"; faults=$((faults + 1)); }

"$program" >"$work/out" 2>"$work/err" || fault "it failed: $(cat "$work/err")"
tail -n 3 "$work/out"
grep -qF "Held out, 88 years: error 16.48 sunspots" "$work/out" || fault "the error is not PyTorch's 16.48"
[ "$(grep -c 'expected' "$work/out")" -eq 88 ] || fault "not 88 years"

expect() {
  local words=$1 status
  shift
  "$program" "$@" >"$work/out" 2>"$work/err" </dev/null
  status=$?
  if [ $status -ne 2 ] || [ "$(wc -l <"$work/err")" -ne 1 ] || ! grep -qF -- "$words" "$work/err"; then
    fault "$* gave $status and said: $(cat "$work/err")"
  else
    echo "ok: $(cat "$work/err")"
  fi
}
weights=$folder/sunspots.safetensors
expect "missing.safetensors: it cannot be opened" "$work/missing.safetensors"
expect "this is a folder" "$work"
expect "this is no safetensors file" "$folder/main.cpp"
head -c 2000 "$weights" >"$work/short.safetensors"
expect "the file is truncated" "$work/short.safetensors"
sed 's/rnn[.]weight_ih_l0/rnn.weight_xx_l0/' "$weights" >"$work/renamed.safetensors"
expect "tensor 'rnn.weight_ih_l0' of shape [64, 1] is missing" "$work/renamed.safetensors"
sed 's/rnn[.]weight_hh_l0/rnn.weight_xx_l0/' "$weights" >"$work/nameless.safetensors"
expect "there is no tensor 'rnn.weight_hh_l0'" "$work/nameless.safetensors"
expect "missing.csv: it cannot be opened" "$weights" "$work/missing.csv"
printf 'year,sunspots\n1700,5\n1701,many\n' >"$work/word.csv"
expect "word.csv:3: '1701,many' is no year,sunspots" "$weights" "$work/word.csv"
printf 'year,sunspots\n1700,5\n1701,11\n' >"$work/early.csv"
expect "early.csv: it has no year from 1921 on" "$weights" "$work/early.csv"
printf 'year,sunspots\n1950,5\n' >"$work/one.csv"
expect "fewer than two years" "$weights" "$work/one.csv"
expect "usage" a b c
[ $faults -eq 0 ]
