# What the tests of programs share; sourced where $program is set.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
faults=0
fault() { echo "FAULT: $1"; faults=$((faults + 1)); }

# expect WORDS OPTIONS...: exit code 2, nothing on stdout, and one line on stderr in which WORDS occur.
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
