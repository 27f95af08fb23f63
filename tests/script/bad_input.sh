#!/usr/bin/env bash
# What the entry script does with bad input: exit code 2, one line on stderr that names the trouble, and nothing
# left behind. Nothing here builds: each fault is found before that.
set -u
recur=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export RECUR_BUILD_DIR=$work/build
faults=0

# expect WORDS COMMAND...: WORDS must occur in the one line.
expect() {
  local words=$1 status
  shift
  "$@" >"$work/out" 2>"$work/err" </dev/null
  status=$?
  if [ $status -ne 2 ] || [ "$(wc -l <"$work/err")" -ne 1 ] || ! grep -qF -- "$words" "$work/err"; then
    echo "FAULT: $* gave $status and said:"
    cat "$work/err"
    faults=$((faults + 1))
  elif [ -e "$work/build" ]; then
    echo "FAULT: $* left a build folder"
    faults=$((faults + 1))
  else
    echo "ok: $(cat "$work/err")"
  fi
}

: >"$work/empty.txt"
expect "unknown command 'dmeo'" "$recur" dmeo
expect "unknown command '--quick'" "$recur" --quick
expect "no option '--fast'" "$recur" test --fast
expect "--filter needs" "$recur" test --filter
expect "got 'now'" "$recur" setup now
expect "no option '--flie'" "$recur" validate --flie "$work/empty.txt"
expect "no option '-x'" "$recur" validate lstm 5 3 7 11 -x
expect "--file needs" "$recur" validate --file
expect "--json needs" "$recur" validate lstm 5 3 7 11 --json
expect "--reference needs" "$recur" validate --reference
expect "no reference 'torch'" "$recur" validate --reference torch
expect "no reference 'torch'" "$recur" validate --reference=torch
expect "no file '$work/missing.txt'" "$recur" validate --file "$work/missing.txt"
expect "no file '$work/missing.txt'" "$recur" validate "--file=$work/missing.txt"
expect "is empty" "$recur" validate --file "$work/empty.txt"
expect "'lsmt' is no cell" "$recur" validate lsmt 5 3 7 11
expect "--json needs a value" "$recur" bench gnmt --json
expect "no shapes called 'deepbnch'; the names are deepbench, haste" "$recur" bench deepbnch
expect "no shapes called 'fast'" "$recur" bench --ragged fast
expect "no option '--fast'" "$recur" bench gnmt --fast
expect "plot needs the file" "$recur" bench plot
expect "no file '$work/missing.json'" "$recur" bench plot "$work/missing.json"
expect "no option '--txet'" "$recur" demo --txet "$work/empty.txt"
expect "no option '-x'" "$recur" demo -x
expect "--text needs" "$recur" demo --text
expect "no file '$work/missing.txt'" "$recur" demo --text "$work/missing.txt"
expect "no file '$work/missing.txt'" "$recur" demo "--text=$work/missing.txt"
expect "is empty" "$recur" demo --text "$work/empty.txt"
expect "is not a file" "$recur" demo --text "$work"
expect "there is no demo 'digit'; they are char_lm, digits, segment and stream" "$recur" demo digit
expect "there is no demo '$work/empty.txt'" "$recur" demo "$work/empty.txt"
expect "demo digits has no option '--text'" "$recur" demo digits --text "$work/empty.txt"
expect "demo segment has no option '--chunk'" "$recur" demo segment --chunk 3
expect "demo char_lm has no option '--length'" "$recur" demo char_lm --length 3
expect "no file '$work/missing.safetensors'" "$recur" demo stream --weights "$work/missing.safetensors"
expect "--data needs" "$recur" demo digits --data
expect "no file '$work/missing.csv'" "$recur" demo digits --steps 3 --data "$work/missing.csv"
expect "is empty" "$recur" demo segment "--text=$work/empty.txt"
expect "RECUR_DEVICE is 'tpu'" env RECUR_DEVICE=tpu "$recur" demo
expect "there is no $work/bin/nvcc" env CUDA_HOME="$work" "$recur" demo
expect "cannot be written" env RECUR_BUILD_DIR="$work/empty.txt/build" "$recur" demo

# A machine without apt-get, and one with it but without the right to use it: a PATH of our own.
mkdir "$work/path"
for tool in bash env dirname sed tr sort head cat readlink g++; do
  ln -s "$(command -v $tool)" "$work/path/$tool"
done
expect "apt-get install cmake ninja-build)" env PATH="$work/path" "$recur" demo
printf '#!/usr/bin/env bash\necho 1000\n' >"$work/path/id"
printf '#!/usr/bin/env bash\nexit 1\n' >"$work/path/apt-get"
chmod +x "$work/path/id" "$work/path/apt-get"
expect "this user may not install" env PATH="$work/path" "$recur" demo

[ $faults -eq 0 ]
