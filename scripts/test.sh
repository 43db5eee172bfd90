#!/usr/bin/env bash
# Usage: scripts/test.sh [--all | --everything]
#
# Runs every test once: unit tests, programs with real Redis servers, a short chaos run, the pages in a real browser, and
# those experiments in real time that show what no other test shows. Prints the slowest tests at the end.
#   --all          also what guards the repository: linters, warnings as errors, and what has threads or parses input
#                  again with the address, undefined-behaviour and thread sanitizers (Clang)
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

# The tests mostly wait: for timeouts, breaks and servers. So what compiles or reads runs beside them, one after the
# other. Linux may group what setsid starts, and then shares the processor between groups: the group needs the low
# priority too.
declare -A started=()
previous=
# shellcheck disable=SC2016  # the inner shell expands these
beside_tests() {  # NAME COMMAND...
  local name=$1
  shift
  setsid setpriv --pdeathsig TERM nice -n 19 bash -c \
    'echo 19 2>/dev/null >/proc/self/autogroup || true; [ -z "$0" ] || tail --pid="$0" -f /dev/null; exec "$@"' \
    "$previous" "$@" >"build/$name.log" 2>&1 &
  previous=$!
  started[$name]=$previous
}

finish() {  # NAME
  local process=${started[$1]}
  headline "$1"
  wait "$process" || { cat "build/$1.log"; exit 1; }
  unset "started[$1]"
}

stop_started() {
  local process
  for process in "${started[@]}"; do kill -- "-$process" 2>/dev/null || true; done
}
trap stop_started EXIT

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

headline "programs"
build release programs
beside_tests "build of the tests" scripts/dev/build.sh release all
if "$guard"; then
  beside_tests "asan build" scripts/dev/build.sh asan sanitized_tests
  beside_tests "tsan build" scripts/dev/build.sh tsan sanitized_tests
  beside_tests "public headers and clang-tidy" scripts/dev/lint.sh headers tidy
fi
headline "pages in a browser"
run_tests build -L browser
finish "build of the tests"
headline "tests"
run_tests build -LE "experiment|browser" -j 4
headline "experiments"
if "$everything"; then run_tests build -L experiment -j 3; else run_tests build -L in_every_run -j 3; fi

if "$guard"; then
  for sanitizer in asan tsan; do
    finish "$sanitizer build"
    headline "tests with $sanitizer"
    run_tests "build/$sanitizer" -L "^$sanitizer\$" -j 4
  done
  finish "public headers and clang-tidy"
fi
slowest
headline "all tests passed"
