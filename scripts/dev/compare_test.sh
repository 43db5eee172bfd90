#!/usr/bin/env bash
# Usage: scripts/dev/compare_test.sh
#
# Plays short scenarios with compare.sh, in a separate folder with a space in its name: what it draws where a variant cannot
# start, and its exit code, also where the report cannot be written. Prints what is wrong, and exits with 1 then.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
help_if_asked "$@"

work=$root/build/compare_test.$$
lab="$work/a lab"
runs=$lab/build/runs
trap 'rm -rf "$work"' EXIT

fail() {
  echo "FAILED: $1" >&2
  sed 's|^|  |' "$work/output" >&2
  exit 1
}

# The programs of stages 2 and 3, and the upstream, are missing there, so only stage 1 can start. Nothing is built.
need_build load_generator simple_breaker
mkdir -p "$lab"/{scripts/dev,build/bin}
cp "$bin"/{load_generator,simple_breaker} "$lab/build/bin"
cp "$root/scripts/compare.sh" "$lab/scripts"
{ cat "$root/scripts/dev/common.sh"; echo 'build() { :; }'; } >"$lab/scripts/dev/common.sh"

write_scenario() {  # NAME VARIANT...: each variant's expectation holds, if it can start
  jq --null-input '{name: $ARGS.positional[0], question: "Which runs are drawn?", upstream: {plan: "down"},
      load: {rate: 50, duration_ms: 200}, expect: ($ARGS.positional[1:] | map({(.):
        [{measure: "opened", at_least: 0, because: "any number will do"}]}) | add)}' --args "$@" >"$lab/$1.json"
}

play() { "$lab/scripts/compare.sh" "$lab/$1.json" >"$work/output" 2>&1; }  # SCENARIO

draws() { grep -q "\"variant\":\"$1\"" "$runs/report.html"; }  # VARIANT

write_scenario fine simple
play fine || fail "an expectation that holds: compare.sh exits with $?"
draws simple || fail "the report does not draw the run"

write_scenario broken simple distributed
jq '.name = "broken" | .variant = "distributed"' "$runs/fine-simple.json" >"$runs/broken-distributed.json"
touch -d yesterday "$runs/broken-distributed.json"
if play broken; then fail "a variant that cannot start: compare.sh exits with 0"; fi
draws simple || fail "the report does not draw the variant that could start"
if draws distributed; then fail "the report draws yesterday's run of a variant that cannot start today"; fi
[ -e "$runs/broken-distributed.json" ] || fail "yesterday's run is gone"

rm "$runs/report.html"
mkdir "$runs/report.html"
if play fine; then fail "a report that cannot be written: compare.sh exits with 0"; fi
grep -q 'report.html: cannot be written' "$work/output" || fail "nothing says that the report cannot be written"

if compgen -G "$lab/build/compare.*" >/dev/null; then fail "compare.sh leaves a temporary file behind"; fi
echo "compare.sh draws what it has played"
