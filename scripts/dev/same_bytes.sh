#!/usr/bin/env bash
# Usage: scripts/dev/same_bytes.sh [--seed N] [--hours N]
#
# The same seed gives the same run, byte for byte, whichever compiler built the program. Builds load_generator with the
# system's compiler (GCC) and with Clang, plays every experiment and some lives of chaos with each, and compares what they
# print and the files of the runs. Exit code 0 only if no byte differs.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
help_if_asked "$@"

seed=7 hours=200
while [ $# -gt 0 ]; do
  case "$1" in
    --seed) seed=${2:?same_bytes.sh: --seed needs a number}; shift 2 ;;
    --hours) hours=${2:?same_bytes.sh: --hours needs a number}; shift 2 ;;
    *) echo "same_bytes.sh: $1 is not an option (--help lists them)" >&2; exit 2 ;;
  esac
done

compiler_in() { sed -n 's/^CMAKE_CXX_COMPILER:.*=//p' "$1/CMakeCache.txt"; }

# Leaves out how many real seconds it took.
output_of() {  # PROGRAM
  {
    "$1" simulate all --seed "$seed"
    "$1" simulate chaos --hours "$hours" --seed "$seed"
    "$1" simulate chaos --seed "$seed" --until 86400
  } | sed -E 's/ in [0-9.]+ (real ones|s: [0-9]+ instance-hours a second)//'
}

build release load_generator
build clang load_generator
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for tree in "$root/build" "$root/build/clang"; do
  mkdir "$folder/$(basename "$tree")"
  cd "$folder/$(basename "$tree")"
  rm -f "$tree"/runs/*-simulated.json
  output_of "$tree/bin/load_generator" >output.txt
  cp "$tree"/runs/*-simulated.json .
  echo "$(compiler_in "$tree"): $(find . -name '*.json' | wc -l) runs, $(wc -l <output.txt) lines, $(cat ./* | sha256sum | cut -c1-16)"
done
diff --recursive "$folder/build" "$folder/clang"
echo "the same bytes"
