#!/usr/bin/env bash
# recur-bench as a user runs it: bad input gives exit code 2 and one sentence on stderr, a tiny shape gives its rows as
# Markdown and JSON, nothing is written over where there is no terminal, and the picture says what it shows.
set -u
program=$1
script=$2
configuration=$3
. "$(dirname "${BASH_SOURCE[0]}")/../tests/script/program_checks.sh"

expect "no shapes called 'deepbnch'; the names are deepbench, haste" deepbnch
expect "--type is 'fp8'" gnmt --type fp8
expect "--steps = many" -T many -N 2 -H 4
expect "--fast" gnmt --fast
expect "'missing.json' cannot be opened" plot missing.json
echo '{"a": 1}' >"$work/other.json"
expect "is not a file that recur-bench --json wrote" plot "$work/other.json"
echo '{"a"' >"$work/broken.json"
expect "broken.json" plot "$work/broken.json"

# Every name and option that the program has is one that the script lets through, and the other way round.
offered=$("$program" --help | grep -oE -- '^ +(-[A-Z],)?--[a-z-]+' | grep -oE -- '-[A-Z]\b|--[a-z-]+' | sort |
  tr '\n' ' ')
allowed=$(bash -c "$(sed -n '/^bench_options=/,/"$/p' "$script"); echo \$bench_options" | tr ' ' '\n' |
  grep -- '^-' | sort | tr '\n' ' ')
allowed=${allowed/--help /}
allowed=${allowed/-h /}
[ "${offered/-h /}" = "$allowed" ] || fault "the program's options are $offered, the script's $allowed"
names=$("$program" nosuch 2>&1 | sed 's/.*the names are //; s/,//g')
known=$(bash -c "$(sed -n '/^bench_names=/,/"$/p' "$script"); echo \$bench_names")
[ "$names" = "$known" ] || fault "the program's names are $names, the script's $known"

if [ "$configuration" = Debug ]; then
  expect "this is a debug build" -T 4 -N 2 -H 8
  echo "skipped: a debug build runs nothing else"
  [ $faults -eq 0 ]
  exit
fi

expect "--json: '/nosuch/x.json' cannot be written" -T 4 -N 2 -H 8 --json /nosuch/x.json
expect "directions" -T 4 -N 2 -H 8 -D 3

"$program" -T 4 -N 2 -H 8 --type fp16 --json "$work/tiny.json" >"$work/tiny.md" 2>"$work/err" ||
  fault "a tiny shape failed: $(cat "$work/err")"
cat "$work/tiny.md"
[ -s "$work/err" ] && fault "on stderr, which is no terminal: $(cat "$work/err")"
grep -q $'\r' "$work/tiny.md" "$work/err" && fault "a carriage return in what is no terminal"
for words in "| lstm fp16 T4 N2 I8 H8 | inference |" "| lstm fp16 T4 N2 I8 H8 | training |" "## given"; do
  grep -qF -- "$words" "$work/tiny.md" || fault "no '$words' in the table"
done
if grep -q emulated "$work/tiny.md"; then
  for words in "Emulated and modelled; nothing here was timed" "bytes / floor" "sectors a request" "bank conflicts" \
    "registers, spills" "barriers a step" "tensor cores" "modelled us a step" "largest part, modelled"; do
    grep -qF -- "$words" "$work/tiny.md" || fault "no '$words' in the table"
  done
fi
if command -v script >/dev/null; then
  script -qec "$program -T 4 -N 2 -H 8" /dev/null </dev/null | grep -q $'\r.*\[1/2\]' ||
    fault "no progress on a terminal"
else
  echo "skipped: progress on a terminal, since util-linux's script is not there"
fi

if command -v gnuplot >/dev/null; then
  "$program" plot "$work/tiny.json" >"$work/out" 2>"$work/err" || fault "plot failed: $(cat "$work/err")"
  [ "$(cat "$work/out")" = "$work/tiny.svg" ] || fault "plot said $(cat "$work/out")"
  grep -q "T4 N2 I8 H8, training" "$work/tiny.svg" || fault "the picture lacks a row"
  if grep -q emulated "$work/tiny.md"; then
    grep -q "Modelled (emulated, not measured)" "$work/tiny.svg" || fault "the picture does not say that it is modelled"
  fi
  "$program" plot "$work/tiny.json" --output "$work/tiny.png" >/dev/null 2>"$work/err" ||
    fault "plot failed: $(cat "$work/err")"
  [ "$(head -c 4 "$work/tiny.png" | tail -c 3)" = PNG ] || fault "the .png is none"
else
  echo "skipped: the picture, since gnuplot is not there (Debian: gnuplot-nox)"
  expect "gnuplot-nox" plot "$work/tiny.json"
fi

[ $faults -eq 0 ]
