# What the tests of the examples' programs share; sourced with "program script name".
program=$1
script=$2
name=$3
. "$(dirname "${BASH_SOURCE[0]}")/program_checks.sh"

# Every option that the program has is one that the script lets through, and the other way round.
same_options() {
  local offered allowed
  offered=$("$program" --help | grep -oE -- '^ +(-h,)?--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort | tr '\n' ' ')
  allowed=$(bash -c "$(sed -n '/^demo_options()/,/^}/p' "$script"); demo_options $name" | tr ' ' '\n' | grep -- '^--' |
    sort | tr '\n' ' ')
  [ "$offered" = "$allowed" ] || fault "the program's options are $offered, the script's $allowed"
}

# run_once FILE OPTIONS...: what it prints, without what differs from run to run.
run_once() {
  local file=$1
  shift
  "$program" "$@" >"$file" 2>"$work/err" || fault "$* failed: $(cat "$work/err")"
  sed -i 's/[0-9.]* ms/_ ms/' "$file"
  grep -q $'\r' "$file" && fault "a carriage return in what is no terminal"
}

# run_twice OPTIONS...: the same from both, in first.txt.
run_twice() {
  run_once "$work/first.txt" "$@"
  run_once "$work/second.txt" "$@"
  cat "$work/first.txt"
  cmp "$work/first.txt" "$work/second.txt" || fault "two runs with one seed differ"
}

# on_terminal OPTIONS...: the line of progress is there, as util-linux's script gives the program a terminal.
on_terminal() {
  if ! script -qec true /dev/null >/dev/null 2>&1; then
    echo "not tested: progress on a terminal; there is no script command that makes one"
    return
  fi
  script -qec "'$program' $*" /dev/null >"$work/terminal" </dev/null
  grep -q $'\r *50%  step 10 of 20  loss ' "$work/terminal" || fault "no line of progress on a terminal"
}

prints() {
  local words
  for words in "$@"; do grep -qF -- "$words" "$work/first.txt" || fault "no '$words' in what it prints"; done
}

# number LINE FIELD: the last run's, of the line that begins so.
number() { sed 's/^ *//' "$work/first.txt" | awk -v line="$1" -v field="$2" 'index($0, line) == 1 { print $field; exit }'; }

# above A B: A is a number, and larger than the number B.
above() {
  awk -v a="$1" -v b="$2" 'BEGIN { exit !(a ~ /^[0-9.]+$/ && b ~ /^[0-9.]+$/ && a + 0 > b + 0) }' ||
    fault "$3: '$1' is not above '$2'"
}
