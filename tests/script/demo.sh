#!/usr/bin/env bash
# The demo's program: bad input gives exit code 2 and one line on stderr; a tiny run gives what it promises, and the
# same again for the same seed.
set -u
program=$1
script=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
faults=0
fault() { echo "FAULT: $1"; faults=$((faults + 1)); }

expect() {
  local words=$1 status
  shift
  "$program" "$@" >"$work/out" 2>"$work/err" </dev/null
  status=$?
  if [ $status -ne 2 ] || [ "$(wc -l <"$work/err")" -ne 1 ] || ! grep -qF -- "$words" "$work/err"; then
    fault "$* gave $status and said: $(cat "$work/err")"
  elif [ -s "$work/out" ]; then
    fault "$* wrote on stdout: $(head -n 1 "$work/out")"
  else
    echo "ok: $(cat "$work/err")"
  fi
}

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

# Every option that the program has is one that the script lets through, and the other way round.
offered=$("$program" --help | grep -oE -- '^ +(-h,)?--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort | tr '\n' ' ')
allowed=$(bash -c "$(sed -n '/^demo_options=/,/"$/p' "$script"); echo \$demo_options" | tr ' ' '\n' | grep -- '^--' |
  sort | tr '\n' ' ')
[ "$offered" = "$allowed" ] || fault "the program's options are $offered, the script's $allowed"

for i in 1 2 3 4 5 6 7 8; do echo "the cat sat on the mat, and the dog ate the cat's hat number $i"; done >"$work/text.txt"
tiny=(--text "$work/text.txt" --steps 12 --hidden 8 --embedding 4 --batch 3 --chunk 5 --sample 50 --seed 7)
for run in first second; do
  "$program" "${tiny[@]}" >"$work/$run.txt" 2>"$work/err" || fault "a tiny run failed: $(cat "$work/err")"
  sed -i 's/[0-9.]* ms/_ ms/' "$work/$run.txt"
done
cat "$work/first.txt"
for words in "Device: " "Text: " "bits per character" "bigram, Witten-Bell" "trigram, Witten-Bell" "  LSTM  " \
  "Time per step" "A sample of 50 characters"; do
  grep -qF "$words" "$work/first.txt" || fault "no '$words' in what it prints"
done
grep -q $'\r' "$work/first.txt" && fault "a carriage return in what is no terminal"
cmp "$work/first.txt" "$work/second.txt" || fault "two runs with one seed differ"

[ $faults -eq 0 ]
