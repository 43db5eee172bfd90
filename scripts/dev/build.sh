#!/usr/bin/env bash
# Usage: scripts/dev/build.sh [release|debug|asan|tsan [TARGET]]
#
# Sets up what is missing and builds one preset: release into build/, each other one into build/NAME. asan (address and
# undefined-behaviour sanitizers) is built with Clang, the others with the system's compiler. TARGET `programs` leaves
# out the tests.
# All but debug compile up to eight files of a target as one, which takes two thirds of the time; so what is private to a
# file needs a name of its own among them. debug compiles each file alone, as the linters read it.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
help_if_asked "$@"

preset=${1:-release}
target=${2:-all}
case "$preset" in
  release) folder=$root/build ;;
  debug | asan | tsan) folder=$root/build/$preset ;;
  *) echo "build.sh: no such preset: $preset (--help lists them)" >&2; exit 2 ;;
esac

case $preset-$target in
  asan-*) "$root/scripts/dev/setup.sh" --develop ;;
  *-programs) "$root/scripts/dev/setup.sh" ;;
  *) "$root/scripts/dev/setup.sh" --test ;;
esac
cd "$root"
mkdir -p "$folder"
log=$folder/build.log
if ! cmake --preset "$preset" ${WARNINGS_AS_ERRORS:+-DWARNINGS_AS_ERRORS="$WARNINGS_AS_ERRORS"} >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
if [ -t 1 ]; then
  cmake --build "$folder" --target "$target"  # ninja draws its own progress, on one line
  exit
fi
echo "building the $preset preset into ${folder#"$root"/} (some minutes the first time)"
if ! cmake --build "$folder" --target "$target" >>"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
