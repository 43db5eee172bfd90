#!/usr/bin/env bash
# Usage: scripts/test.sh [--all]
#
# Runs every test: unit tests, programs with real Redis servers, the scenarios, a short chaos run, and the pages in a real
# browser. --all adds the checks that guard the repository:
#   - linters: clang-format, shellcheck and clang-tidy
#   - a build with warnings as errors, by GCC and by Clang
#   - the unit and Redis tests with the address and undefined-behaviour sanitizers (Clang) and the thread sanitizer (GCC)
# Installs and builds what is missing. Uses free ports and private Redis servers.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/dev/common.sh"
help_if_asked "$@"

all=false
case "${1:-}" in
  "") ;;
  --all) all=true ;;
  *) echo "test.sh: $1 is not an option (--help lists them)" >&2; exit 2 ;;
esac
cd "$root"

headline() { printf '\n== %s\n' "$1"; }

# A stalled machine can make a test late, so ctest runs a failed test once more. It prints the output of both runs: a
# sanitizer's report counts even where the second run passes.
run_tests() { attended ctest --output-on-failure --repeat until-pass:2 "$@"; }

# clang-tidy takes minutes, and the tests of a sanitizer build often wait for a condition; so both run at once.
tidy=
trap '[ -z "$tidy" ] || kill -- "-$tidy" 2>/dev/null || true' EXIT
start_tidy() {
  setsid setpriv --pdeathsig TERM nice -n 19 scripts/dev/lint.sh tidy >build/tidy.log 2>&1 &
  tidy=$!
}

finish_tidy() {
  headline "clang-tidy"
  wait "$tidy" || { cat build/tidy.log; exit 1; }
  tidy=
}

headline "packages"
scripts/dev/setup.sh --test
if "$all"; then
  export WARNINGS_AS_ERRORS=ON
  scripts/dev/setup.sh --develop
  headline "clang-format and shellcheck"
  scripts/dev/lint.sh format scripts
fi

headline "release build"
build release all
headline "unit tests, and tests of whole programs"
run_tests --test-dir build -LE "scenario|browser" -j 2
headline "scenarios"
run_tests --test-dir build -L scenario -j 3
headline "pages in a browser"
run_tests --test-dir build -L browser

if "$all"; then
  for sanitizer in asan tsan; do
    headline "$sanitizer build"
    build "$sanitizer" all
    if [ "$sanitizer" = asan ]; then start_tidy; fi
    headline "unit and Redis tests with $sanitizer"
    run_tests --test-dir "build/$sanitizer" -LE "scenario|scripts|browser|not_$sanitizer" -j 2
  done
  finish_tidy
fi
headline "all is well"
