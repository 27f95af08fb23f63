#!/usr/bin/env bash
# The example that names handwritten digits: what bad input it refuses and how, and that a short training learns.
set -u
. "$(dirname "$0")/demo_checks.sh" "$1" "$2" digits

data=$(dirname "$2")/examples/data/digits.csv
head -n 40 "$data" >"$work/forty.csv"
head -n 4 "$data" >"$work/four.csv"
: >"$work/empty.csv"
sed '7s/^\([0-9]*\),[0-9]*/\1,17/' "$work/forty.csv" >"$work/ink.csv"
sed '3s/[0-9]$/x/' "$work/forty.csv" >"$work/label.csv"
sed '40s/,[0-9]*$//' "$work/forty.csv" >"$work/short.csv"
sed '5s/$/,1/' "$work/forty.csv" >"$work/long.csv"
expect "missing.csv' cannot be opened" --data "$work/missing.csv"
expect "is empty" --data "$work/empty.csv"
expect "is a folder" --data "$work"
expect "ink.csv', line 7: pixel 2 is '17', and must be a whole number from 0 to 16" --data "$work/ink.csv"
expect "label.csv', line 3: the label is 'x', and must be a whole number from 0 to 9" --data "$work/label.csv"
expect "short.csv', line 40: ends after 64 values" --data "$work/short.csv"
expect "long.csv', line 5: goes on after the label" --data "$work/long.csv"
expect "line 1: pixel 1 is" --data "$program"
expect "has 4 digits" --data "$work/four.csv"
expect "--dtaa" --dtaa "$work/forty.csv"
expect "--steps" --steps 0
expect "--hidden" --hidden many
expect "--data" --data
same_options

run_twice --data "$work/forty.csv" --steps 3 --hidden 5 --batch 7 --seed 9
prints "Device: " "32 to learn from, 8 held out" "LSTM of 5 units"
on_terminal --data "$work/forty.csv" --steps 20 --hidden 5 --batch 7
run_once "$work/other.txt" --data "$work/forty.csv" --steps 3 --hidden 5 --batch 7 --seed 8
cmp -s "$work/first.txt" "$work/other.txt" && fault "another seed gives the same"

# Chance is ln 10 = 2.30 nats, and the floor is what the mean of each class names rightly. A network that is read after the
# first row, or whose weights do not learn, stays near chance; one whose input weights alone learn nonsense ends at 0.29.
run_once "$work/first.txt" --steps 400 --seed 1
cat "$work/first.txt"
prints "1438 to learn from, 359 held out"
first=$(number "Loss" 6)
above "$first" 2.2 "the loss in the beginning"
above 2.4 "$first" "2.4 and the loss in the beginning"
above 0.2 "$(number "Loss" 12)" "0.2 and the loss in the end"
above "$(number "LSTM" 2)" "$(number "nearest class mean" 4)" "what the LSTM names rightly, and the nearest class mean"

[ $faults -eq 0 ]
