#!/usr/bin/env bash
# Usage: scripts/dev/explore.sh [--for DURATION] [--instances NUMBER]
#
# Plays lives of simulated fleets with new seeds, for an hour or as long as --for says (10m, 1h). Stops at the first
# violation and prints its seed and the least harm that causes it: add that seed to
# load_generator/simulation/chaos/chaos_life_test.cpp.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
help_if_asked "$@"

seconds=3600 instances=10
while [ $# -gt 0 ]; do
  case "$1" in
    --for)
      case "${2:-}" in
        *[0-9]m) seconds=$((${2%m} * 60)) ;;
        *[0-9]h) seconds=$((${2%h} * 3600)) ;;
        *[0-9]s) seconds=${2%s} ;;
        *) echo "explore.sh: --for '${2:-}' is not a duration such as 10m or 1h" >&2; exit 2 ;;
      esac
      shift 2 ;;
    --instances) instances=${2:?explore.sh: --instances needs a number}; shift 2 ;;
    *) echo "explore.sh: $1 is not an option (--help lists them)" >&2; exit 2 ;;
  esac
done

build release programs
end=$((SECONDS + seconds))
first=$(($(date +%s) % 100000 * 10000))
while [ $SECONDS -lt $end ]; do
  printf '\n== from seed %s\n' "$first"
  "$bin/load_generator" simulate chaos --hours 20000 --seed "$first" --instances "$instances"
  first=$((first + 1000))
done
echo "no violation"
