#!/usr/bin/env bash
# The example that finds words in a text without spaces: what bad input it refuses and how, and that a short training learns.
set -u
. "$(dirname "$0")/demo_checks.sh" "$1" "$2" segment

for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo "The cat sat on the mat, and the dog ate the cat's hat $i."; done >"$work/text.txt"
: >"$work/empty.txt"
head -n 9 "$work/text.txt" >"$work/nine.txt"
printf 'one two\nna\xc3\xafve\n' >"$work/accent.txt"
printf 'one\0two\n' >"$work/binary.txt"
expect "missing.txt' cannot be opened" --text "$work/missing.txt"
expect "is empty" --text "$work/empty.txt"
expect "is a folder" --text "$work"
expect "nine.txt' has 9 lines with letters" --text "$work/nine.txt"
expect "accent.txt', line 2: byte 195 is not ASCII text" --text "$work/accent.txt"
expect "binary.txt', line 1: byte 0 is not ASCII text" --text "$work/binary.txt"
expect "text.txt', line 1: has a word of 4 letters, and a row has room for 3" --text "$work/text.txt" --length 3
expect "--txet" --txet "$work/text.txt"
expect "--steps" --steps 0
expect "--length" --length 1.5
expect "--text" --text
same_options

run_twice --text "$work/text.txt" --steps 3 --hidden 5 --embedding 3 --batch 4 --length 20 --seed 9
prints "Device: " "LSTM of 5 units in each direction" "with the words that the LSTM sees:"
on_terminal --text "$work/text.txt" --steps 20 --hidden 5 --embedding 3 --batch 4 --length 20
run_once "$work/other.txt" --text "$work/text.txt" --steps 3 --hidden 5 --embedding 3 --batch 4 --length 20 --seed 8
cmp -s "$work/first.txt" "$work/other.txt" && fault "another seed gives the same"

# A quarter of the letters end a word: who knows only that has 0.55 nats. The floor is the trigram rule, which sees one letter
# on either side.
run_once "$work/first.txt" --steps 120 --hidden 48 --length 32 --learning-rate 0.04 --seed 1
cat "$work/first.txt"
above "$(number "Loss" 6)" 0.5 "the loss in the beginning"
above 0.17 "$(number "Loss" 12)" "0.17 and the loss in the end"
above "$(number "LSTM" 6)" "$(number "trigram rule" 5)" "F1 of the LSTM and of the trigram rule"

[ $faults -eq 0 ]
