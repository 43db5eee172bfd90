#!/usr/bin/env bash
# Usage: scripts/dev/benchmark.sh [simple_breaker|redis_breaker|control_room [--duration 10m]]
#
# What a protected call costs beyond the call itself, in nanoseconds of the calling thread's time: medians of nine runs,
# for one thread and for two. And what the shared breaker costs, and how quickly a fleet agrees, each figure beside the
# bound that it is held to; that takes a minute, and a private Redis. A stage's name: its figures only.
# control_room runs only if named: what the page costs a browser and its server, in ten minutes with ten instances.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
help_if_asked "$@"

simple_breaker() {
  "$root/scripts/dev/build.sh" release breaker_benchmark
  "$bin/breaker_benchmark" --benchmark_repetitions=9 --benchmark_min_time=0.2 \
    --benchmark_report_aggregates_only=true --benchmark_color=false 2>/dev/null |
    awk 'BEGIN { printf "%-20s %8s %12s\n", "what", "threads", "a call" }
         /_median/ {
           split($1, part, "/"); name = part[1]; gsub("_", " ", name)
           threads = part[3]; sub("threads:", "", threads); sub("_median", "", threads)
           sub(/.*a call=/, ""); sub("ns", ""); printf "%-20s %8d %9.1f ns\n", name, threads, $0
         }'
}

redis_breaker() {
  "$root/scripts/dev/build.sh" release redis_breaker_benchmark
  "$bin/redis_breaker_benchmark"
}

control_room() {
  "$root/scripts/dev/browser_tests.sh" --install
  "$root/scripts/dev/build.sh" release programs
  node "$root/load_generator/control_room/browser_tests/control_room_benchmark.js" "$@"
}

case "${1:-}" in
  "") simple_breaker && redis_breaker ;;
  simple_breaker | redis_breaker) "$1" ;;
  control_room) "$@" ;;
  *) echo "benchmark.sh: nothing to measure by the name $1 (--help lists them)" >&2; exit 2 ;;
esac
