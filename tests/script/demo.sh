#!/usr/bin/env bash
# The demo's program: bad input gives exit code 2 and one line on stderr; a tiny run gives what it promises, and the
# same again for the same seed.
set -u
. "$(dirname "$0")/demo_checks.sh" "$1" "$2" char_lm

: >"$work/empty.txt"
printf 'text\0text and more text, but with a zero byte in it, and so no text' >"$work/binary.txt"
printf 'too short for that' >"$work/short.txt"
expect "missing.txt' cannot be opened" --text "$work/missing.txt"
expect "is empty" --text "$work/empty.txt"
expect "is a folder" --text "$work"
expect "is a binary file" --text "$work/binary.txt"
expect "has 18 characters; to learn from one chunk and hold some out takes 36" --text "$work/short.txt"
printf 'abcd' >"$work/four.txt"
printf 'ab' >"$work/two.txt"
expect "has 4 characters" --text "$work/four.txt" --chunk 3
expect "has 2 characters" --text "$work/two.txt" --chunk 1
expect "--txet" --txet "$work/short.txt"
expect "--steps" --steps many
expect "--hidden" --hidden 0
expect "--text" --text

same_options

for i in 1 2 3 4 5 6 7 8; do echo "the cat sat on the mat, and the dog ate the cat's hat number $i"; done >"$work/text.txt"
tiny=(--text "$work/text.txt" --steps 12 --hidden 8 --embedding 4 --batch 3 --chunk 5 --sample 50 --seed 7)
run_twice "${tiny[@]}"
prints "Device: " "Text: " "bits per character" "bigram, Witten-Bell" "trigram, Witten-Bell" "  LSTM  " "Time per step" \
  "A sample of 50 characters"

# A short training beats the bigrams, which look back by one character: what the state carries counts.
run_once "$work/first.txt" --hidden 64 --embedding 32 --steps 80 --learning-rate 0.02 --sample 0 --seed 1
cat "$work/first.txt"
above "$(number "bigram" 3)" "$(number "LSTM" 2)" "bits of the bigrams and of the LSTM"

[ $faults -eq 0 ]
