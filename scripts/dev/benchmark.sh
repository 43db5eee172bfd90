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
#                   one that includes <chrono> and <functional>: the best of five; then what a call costs beside opossum,
#                   cockatiel and pybreaker, which npm and pip install into build/peers; one that cannot be is named
#   control_room    what the pages cost a browser and the server: replays of the race, then ten minutes beside ten instances
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
help_if_asked "$@"

# Prints what, threads and nanoseconds, with tabs between them.
simple_costs() {
  "$bin/breaker_benchmark" --benchmark_repetitions=9 --benchmark_min_time=0.2 \
    --benchmark_report_aggregates_only=true --benchmark_color=false 2>/dev/null |
    awk '/_median/ {
           split($1, part, "/"); name = part[1]; gsub("_", " ", name)
           threads = part[3]; sub("threads:", "", threads); sub("_median", "", threads)
           sub(/.*a call=/, ""); sub("ns", ""); printf "%s\t%d\t%.1f\n", name, threads, $0
         }'
}

simple_breaker() {
  build release breaker_benchmark
  simple_costs | awk -F '\t' 'BEGIN { printf "%-20s %8s %12s\n", "what", "threads", "a call" }
                              { printf "%-20s %8d %9.1f ns\n", $1, $2, $3 }'
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

# Runs a peer of npm's. What is printed: library, what, threads and nanoseconds, with tabs between them.
node_peer() {  # NAME VERSION
  if ! command -v npm >/dev/null; then
    printf '%s\tnot run: npm is missing\n' "$1"
  elif ! npm install --silent --no-audit --no-fund --prefix "$root/build/peers" "$1@$2" >&2; then
    printf '%s\tnot run: npm cannot install it\n' "$1"
  else
    NODE_PATH=$root/build/peers/node_modules node "$root/cmake/package/peers/$1.js"
  fi
}

python_peer() {
  local -x PYTHONPATH=$root/build/peers/python${PYTHONPATH:+:$PYTHONPATH}
  python3 -c 'import pybreaker' 2>/dev/null ||
    python3 -m pip install --quiet --target "$root/build/peers/python" pybreaker==1.4.1 >/dev/null 2>&1 ||
    { printf 'pybreaker\tnot run: pip cannot install it\n'; return; }
  python3 "$root/cmake/package/peers/pybreaker_calls.py"
}

all_costs() {
  simple_costs | sed -En 's/^(successful execute|windowed call|rejection)\t/circuit_breaker::simple\t\1\t/p' |
    sed 's/successful execute/healthy/; s/windowed call/with window/'
  node_peer cockatiel 4.0.0
  node_peer opossum 10.0.0
  python_peer
  printf 'gobreaker\tnot run: there is no program for it here\n'
  printf 'resilience4j\tnot run: there is no program for it here\n'
}

library_calls() {
  build release breaker_benchmark
  all_costs | awk -F '\t' '
    function shown(what) { return (($1, what) in cost) ? cost[$1, what] " ns" : "-" }
    !($1 in seen) { seen[$1] = 1; order[++count] = $1 }
    NF == 2 { why[$1] = $2 }
    NF == 4 { cost[$1, $2 $3] = $4 }
    END {
      form = "%-24s %11s %12s %11s %20s %22s\n"
      printf form, "a call costs", "healthy", "with window", "rejection", "healthy, 2 threads", "rejection, 2 threads"
      for (i = 1; i <= count; ++i) {
        $1 = order[i]
        if ($1 in why) { printf "%-24s %s\n", $1, why[$1]; continue }
        printf form, $1, shown("healthy1"), shown("with window1"), shown("rejection1"), shown("healthy2"), shown("rejection2")
      }
    }'
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
  library_calls
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
