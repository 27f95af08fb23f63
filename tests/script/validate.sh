#!/usr/bin/env bash
# recur_validate: its table, JSON and exit codes for good input; exit code 2 and one line on stderr for bad.
set -u
program=$1
script=$2
. "$(dirname "${BASH_SOURCE[0]}")/program_checks.sh"

printf '# cases\nlstm 3 2 3 4\n\ngru 3 2 3 4 L2x\n' >"$work/option.txt"
printf 'lstm 3 2 3 4\ngru 3 2 3 4 peep\n' >"$work/refused.txt"
printf 'lstm 3 2 3 4\nlstm 200000 10000 100 100\n' >"$work/large.txt"
printf '# none\n' >"$work/none.txt"
expect "$work/option.txt:4: 'gru 3 2 3 4 L2x': 'L2x' is no option" --file "$work/option.txt"
expect "$work/refused.txt:2: 'gru 3 2 3 4 peep': peepholes" --file "$work/refused.txt"
expect "$work/large.txt:2: 'lstm 200000 10000 100 100': the reference in double would take" --file "$work/large.txt"
expect "$work/none.txt: no network" --file "$work/none.txt"
expect "missing.txt: cannot be opened" --file "$work/missing.txt"
expect "'lsmt' is no cell" lsmt 3 2 3 4
expect "there is no H" lstm 3 2 3
expect "I is 'three'" lstm 3 2 three 4
expect "directions" lstm 3 2 3 4 D3
expect "no 'torch'" lstm 3 2 3 4 --reference torch
expect "--flie" --flie "$work/option.txt"
expect "--json" lstm 3 2 3 4 --json
expect "cannot be written" lstm 3 2 3 4 --json "$work/no/folder.json"

# Every option, cell and reference of the program is one that the script lets through, and the other way round.
offered=$("$program" --help | grep -oE -- '^ +(-h,)?--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort | tr '\n' ' ')
allowed=$(bash -c "$(grep '^validate_options=' "$script"); echo \$validate_options" | tr ' ' '\n' | grep -- '^--' |
  sort | tr '\n' ' ')
[ "$offered" = "$allowed" ] || fault "the program's options are $offered, the script's $allowed"
cells=$("$program" --help | sed -n 's/^ *cell: \([a-z_ ]*\);.*/\1/p')
allowed=$(bash -c "$(grep '^validate_cells=' "$script"); echo \$validate_cells")
[ "$cells" = "$allowed" ] || fault "the program's cells are $cells, the script's $allowed"

# A file of cases: what both references can do, what one of them cannot, 16 bits.
printf '%s\n' 'lstm 4 3 5 6 L2 D2 P4 peep' 'gru 4 3 5 6 D2 ragged reset batch_first' 'tanh 4 2 3 5 bf16 k1=2,k2=3' \
  >"$work/good.txt"
"$program" --file "$work/good.txt" --json "$work/good.json" >"$work/table" 2>"$work/err" ||
  fault "a good run: $(cat "$work/err")"
cat "$work/table"
[ -s "$work/err" ] && fault "progress where there is no terminal: $(cat "$work/err")"
grep -q $'\r' "$work/table" && fault "a carriage return in what is no terminal"
[ "$(grep -c '^| lstm 4 3 5 6 L2 D2 P4 peep .* within ' "$work/table")" -eq 2 ] || fault "no two rows for the LSTM"
grep -qE '^\| gru .* \| onednn +\| not compared: oneDNN has no lengths of rows' "$work/table" || fault "oneDNN's reason"
grep -qE '^\| tanh .* \| fp64 .* within ' "$work/table" || fault "no row for the vanilla cell"
grep -q '^cudnn: ' "$work/table" || fault "nothing is said of cuDNN"
if grep -q '^Device: .*emulated' "$work/table"; then
  grep -q '^cudnn: .*nothing here is validated against cuDNN' "$work/table" || fault "cuDNN is said to have run"
  expect "there is no 'cudnn' here" lstm 3 2 3 4 --reference cudnn
fi
grep -q '4 comparisons within tolerance, 0 beyond; 2 not made' "$work/table" ||
  grep -q '^cudnn: .*run with each' "$work/table" || fault "the count"
again=$(sed -n '/^Worst: /{n;s/^ *//p;}' "$work/table")
case $again in "$program "*" --reference "*) ;; *) fault "no command that runs the worst again: $again" ;; esac
worst=$(sed -n 's/^Worst: .*: //p' "$work/table")
$again >"$work/again" 2>&1 || fault "'$again' failed: $(cat "$work/again")"
grep -qF "$worst" "$work/again" || fault "'$again' does not show '$worst' again"
"$program" lstm 4 3 5 6 --reference fp64 --json - >"$work/only.json" || fault "JSON alone"
for json in good only; do
  [ "$(head -c 1 "$work/$json.json")" = '{' ] || fault "no JSON in $json.json"
  grep -q '"dW_hh": ' "$work/$json.json" || fault "no errors in $json.json"
done
[ "$(grep -c '"case": ' "$work/only.json")" -eq 2 ] || fault "not one case and the worst: $(cat "$work/only.json")"
# A line of progress on a terminal, which util-linux's script gives it.
if script -qec true /dev/null >/dev/null 2>&1; then
  script -qec "'$program' lstm 3 2 3 4 --reference fp64" /dev/null >"$work/terminal" </dev/null
  grep -q $'\r''.*\[1/1\] lstm 3 2 3 4: recur' "$work/terminal" || fault "no progress on a terminal"
else
  echo "not tested: progress on a terminal; there is no script command that makes one"
fi

[ $faults -eq 0 ]
