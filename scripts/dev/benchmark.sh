#!/usr/bin/env bash
# Usage: scripts/dev/benchmark.sh [simple_breaker|redis_breaker|store_breaker|sidecar|library|control_room [--duration 10m]]
#
# Measures what breakers cost. Without an argument: simple_breaker, then redis_breaker.
#   simple_breaker  what a protected call costs beyond the call itself, in nanoseconds of the calling thread's time: medians
#                   of nine runs, for one thread and for two
#   redis_breaker   what the shared breaker costs, and how quickly a fleet agrees, each figure beside its limit; takes a
#                   minute, and a private Redis
#   store_breaker   the price list of all stores of stage 4, beside what each may cost, and how soon a fleet rejects compared
#                   with a bare NOTIFY of PostgreSQL; takes a minute, and private servers
#   sidecar         what a sidecar adds to a request's latency, beside HAProxy (setup.sh --peers installs it): medians of
#                   10,000 requests each way, taken in turns; it may add at most 1.5 times as much
#   library         what a translation unit costs that includes the breaker's header, in seconds of the processor, beyond
#                   one that includes <chrono> and <functional>: the best of five
#   control_room    what the page costs a browser and its server, in ten minutes beside ten instances
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
help_if_asked "$@"

simple_breaker() {
  build release breaker_benchmark
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
  build release redis_breaker_benchmark
  "$bin/redis_breaker_benchmark"
}

sidecar() {
  "$root/scripts/dev/setup.sh" --peers
  build release sidecar_benchmark
  "$bin/sidecar_benchmark"
}

# Prints the seconds of the processor that it takes to compile the code.
compile_seconds() {  # CODE
  local _ TIMEFORMAT='%U %S'
  for _ in {1..5}; do
    { time c++ -std=c++20 -O2 -I. -Icmake/package -Ibuild/package -x c++ -c - -o /dev/null <<<"$1"; } 2>&1
  done | awk '{ seconds = $1 + $2; if (NR == 1 || seconds < best) best = seconds } END { print best }'
}

library() {
  cd "$root"
  cmake --preset release >/dev/null
  local usual='#include <chrono>
#include <functional>' without with
  without=$(compile_seconds "$usual")
  with=$(compile_seconds "$usual
#include <circuit_breaker/circuit_breaker.hpp>")
  awk -v without="$without" -v with="$with" \
    'BEGIN { printf "including the breaker costs %.2f s, of at most 1 s (%.2f - %.2f)\n", with - without, with, without }'
}

store_breaker() {
  build release store_breaker_benchmark
  "$bin/store_breaker_benchmark"
}

control_room() {
  "$root/scripts/dev/browser_tests.sh" --install
  build release programs
  node "$root/load_generator/control_room/browser_tests/control_room_benchmark.js" "$@"
}

case "${1:-}" in
  "") simple_breaker && redis_breaker ;;
  simple_breaker | redis_breaker | store_breaker | sidecar | library) "$1" ;;
  control_room) "$@" ;;
  *) echo "benchmark.sh: '$1' is not a benchmark (--help lists them)" >&2; exit 2 ;;
esac
