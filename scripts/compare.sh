#!/usr/bin/env bash
# Usage: scripts/compare.sh [--simulated] [--details] [SCENARIO...]
#
# Lets the same fault hit each stage and variant of a scenario, and draws a bar for each, measured beside expected.
# Without a name: outage, and outage-10 (ten instances, a threshold of five). `all` is every scenario, which takes some
# minutes. build/runs/ has the results; build/runs/report.html draws what was just played: one file, complete in itself.
#   --simulated   in virtual time, in a second: the same breakers and the same script, without processes
#   --details     also every measure and every expectation, in tables, and a line a second while it plays
# Installs and builds what is missing. Uses free ports and a private Redis. Exit code 0 only if every expectation held,
# and the report was written.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/dev/common.sh"
help_if_asked "$@"

simulated=false details=() scenarios=()
for word in "$@"; do
  case "$word" in
    --simulated) simulated=true ;;
    --details) details=(--details) ;;
    -*) echo "compare.sh: '$word' is not an option (--help lists them)" >&2; exit 2 ;;
    *) scenarios+=("$word") ;;
  esac
done
build release programs
if [ ${#scenarios[@]} -eq 0 ]; then scenarios=(outage outage-10); fi
if "$simulated"; then exec "$bin/load_generator" simulate "${scenarios[@]}" "${details[@]}"; fi
if [ "${scenarios[*]}" = all ]; then
  scenarios=()
  for file in "$root"/load_generator/scenarios/*.json; do scenarios+=("$(basename "$file" .json)"); done
fi

# load_generator exits with 1 not only if an expectation did not hold, but also if a variant could not be played. An
# earlier run of that variant may lie there, so only runs that are not older than this file are drawn.
began=$(mktemp "$root/build/compare.XXXXXX")
trap 'rm -f "$began"' EXIT
is_new() { [ -f "$1" ] && ! [ "$1" -ot "$began" ]; }  # FILE

run_files_of() {  # SCENARIO: the files of the runs that it has just played, in the order of its columns
  local file=$root/load_generator/scenarios/$1.json run
  [ -f "$file" ] || file=$1
  jq --raw-output --arg folder "$root/build/runs" \
    '.name as $name | .expect | keys_unsorted[] | "\($folder)/\($name)-\(.).json"' "$file" |
    while IFS= read -r run; do if is_new "$run"; then printf '%s\n' "$run"; fi; done
}

held=() not_held=() files=()
for scenario in "${scenarios[@]}"; do
  status=0
  attended "$bin/load_generator" scenario "$scenario" "${details[@]}" || status=$?
  case $status in
    0) held+=("$scenario") ;;
    1) not_held+=("$scenario") ;;
    *) exit "$status" ;;
  esac
  mapfile -t -O ${#files[@]} files < <(run_files_of "$scenario")
done
[ ${#held[@]} -eq 0 ] || echo "every expectation held: ${held[*]}"
[ ${#not_held[@]} -eq 0 ] || echo "NOT HELD, or failed; see above: ${not_held[*]}"
if [ ${#files[@]} -eq 0 ]; then echo "compare.sh: no run was played, and no report written" >&2; exit 1; fi
report=$root/build/runs/report.html
"$bin/load_generator" compare "${files[@]}" --html "$report" >/dev/null || [ $? -eq 1 ]
is_new "$report" || exit 1  # load_generator has printed why
echo "the runs are in build/runs/; build/runs/report.html draws them"
[ ${#not_held[@]} -eq 0 ]
