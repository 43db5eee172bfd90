#!/usr/bin/env bash
# Usage: scripts/build.sh [release|debug|asan|tsan|clang]
#
# Sets up what is missing and builds one preset: release into build/, each other one into build/NAME.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
help_if_asked "$@"

preset=${1:-release}
case "$preset" in
  release) folder=$root/build ;;
  debug | asan | tsan | clang) folder=$root/build/$preset ;;
  *) echo "build.sh: no such preset: $preset (--help lists them)" >&2; exit 2 ;;
esac

"$root/scripts/setup.sh"
cd "$root"
mkdir -p "$folder"
log=$folder/build.log
if ! cmake --preset "$preset" -DWARNINGS_AS_ERRORS="${WARNINGS_AS_ERRORS:-OFF}" >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
if [ -t 1 ]; then
  cmake --build "$folder"  # ninja draws its own progress, on one line
  exit
fi
echo "building the $preset preset into ${folder#"$root"/} (some minutes the first time)"
if ! cmake --build "$folder" >>"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
