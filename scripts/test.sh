#!/usr/bin/env bash
# Usage: scripts/test.sh [--all]
#
# Sets up, builds, and runs every test, the scenarios, a short chaos and the pages in a real browser included. With
# --all also what guards the repository: warnings as errors with GCC and Clang, the unit and Redis tests under the
# address, undefined-behaviour (built with Clang) and thread sanitizers (with GCC), and three linters: clang-tidy,
# clang-format and shellcheck.
# Everything runs on free ports of its own, with private Redis servers.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/dev/common.sh"
help_if_asked "$@"

all=false
case "${1:-}" in
  "") ;;
  --all) all=true ;;
  *) echo "test.sh: no such option: $1 (--help lists them)" >&2; exit 2 ;;
esac
cd "$root"

headline() { printf '\n== %s\n' "$1"; }

# A machine that stalls may make a test late, so each has two tries; what fails twice is broken. The output of the first
# one is printed, too: what a sanitizer says there is worth a look even where the second went well.
run_tests() { ctest --output-on-failure --repeat until-pass:2 "$@"; }

checked_sources() { git ls-files '*.cpp' '*.hpp'; }

lint() {
  headline "clang-format"
  checked_sources | xargs clang-format --dry-run --Werror
  headline "shellcheck"
  shellcheck -x scripts/*.sh scripts/dev/*.sh .ci/run
}

# It takes minutes, and the sanitized tests often wait. It reads each file alone, as the preset lint would compile it.
tidy=
trap '[ -z "$tidy" ] || kill "$tidy" 2>/dev/null || true' EXIT
tidy_meanwhile() {
  cmake --preset lint >build/tidy.log
  git ls-files '*.cpp' | grep -v _test.cpp |
    nice -n 19 xargs -P "$(nproc)" -n 4 clang-tidy -p build/lint --quiet >build/tidy.log 2>/dev/null &
  tidy=$!
}

tidy_result() {
  headline "clang-tidy"
  wait "$tidy" || { cat build/tidy.log; exit 1; }
  tidy=
}

scripts/dev/setup.sh --test
if "$all"; then
  export WARNINGS_AS_ERRORS=ON
  scripts/dev/setup.sh --develop
  lint
fi

headline "release build and all tests"
scripts/dev/build.sh release
run_tests --test-dir build -LE "scenario|browser" -j 2
run_tests --test-dir build -L scenario -j 3
run_tests --test-dir build -L browser

if "$all"; then
  for sanitizer in asan tsan; do
    headline "unit and Redis tests under $sanitizer"
    scripts/dev/build.sh "$sanitizer"
    if [ "$sanitizer" = asan ]; then tidy_meanwhile; fi
    run_tests --test-dir "build/$sanitizer" -LE "scenario|scripts|browser|not_$sanitizer" -j 2
  done
  tidy_result
fi
headline "all is well"
