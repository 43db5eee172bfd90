#!/usr/bin/env bash
# Usage: scripts/test.sh [--all | --everything]
#
# Runs every test once: unit tests, programs with real Redis servers, a short chaos run, the pages in a real browser, and
# those experiments in real time that show what no other test shows. Prints the slowest tests at the end.
#   --all          also what guards the repository: linters, warnings as errors, and what has threads or parses input
#                  again with the address and undefined-behaviour sanitizers (Clang) and the thread sanitizer (GCC)
#   --everything   all that, and every other experiment too; then their counts must agree with the simulation's
# Installs and builds what is missing. Uses free ports and private Redis servers. A test that fails once has failed.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/dev/common.sh"
help_if_asked "$@"

guard=false everything=false
case "${1:-}" in
  "") ;;
  --all) guard=true ;;
  --everything) guard=true everything=true ;;
  *) echo "test.sh: $1 is not an option (--help lists them)" >&2; exit 2 ;;
esac
cd "$root"

headline() { printf '\n== %s\n' "$1"; }

times=()
run_tests() {  # FOLDER ARGUMENTS of ctest
  local folder=$1
  shift
  times+=("$folder/Testing/times-${#times[@]}.xml")
  attended ctest --test-dir "$folder" --output-on-failure --output-junit "$root/${times[-1]}" "$@"
}

slowest() {
  headline "the slowest tests, in seconds"
  sed -n 's/.*<testcase name="\([^"]*\)".* time="\([0-9.]*\)".*/\2 \1/p' "${times[@]}" | sort -rn |
    awk 'NR <= 20 { printf "%8.1f  %s\n", $1, $2 }'
}

# clang-tidy takes minutes, and sanitized tests often wait for a condition; so both run at once. Linux may group what
# setsid starts, and then shares the processor between groups: the group needs the low priority too.
tidy=
trap '[ -z "$tidy" ] || kill -- "-$tidy" 2>/dev/null || true' EXIT
start_tidy() {
  setsid setpriv --pdeathsig TERM nice -n 19 bash -c \
    'echo 19 2>/dev/null >/proc/self/autogroup || true; exec scripts/dev/lint.sh tidy' >build/tidy.log 2>&1 &
  tidy=$!
}

finish_tidy() {
  headline "clang-tidy"
  wait "$tidy" || { cat build/tidy.log; exit 1; }
  tidy=
}

headline "packages"
scripts/dev/setup.sh --test
if "$guard"; then
  export WARNINGS_AS_ERRORS=ON
  scripts/dev/setup.sh --develop
  headline "words, clang-format and shellcheck"
  scripts/dev/lint.sh
  headline "reference"
  scripts/dev/reference.sh
fi

headline "release build"
build release all
headline "tests"
run_tests build -LE "experiment|browser" -j 4
headline "experiments"
if "$everything"; then run_tests build -L experiment -j 3; else run_tests build -L in_every_run -j 3; fi
headline "pages in a browser"
run_tests build -L browser

if "$guard"; then
  for sanitizer in asan tsan; do
    headline "$sanitizer build"
    build "$sanitizer" sanitized_tests
    if [ "$sanitizer" = asan ]; then start_tidy; fi
    headline "tests with $sanitizer"
    run_tests "build/$sanitizer" -L "^$sanitizer\$" -j 3
  done
  finish_tidy
fi
slowest
headline "all tests passed"
