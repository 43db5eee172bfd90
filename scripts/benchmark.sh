#!/usr/bin/env bash
# Usage: scripts/benchmark.sh
#
# What a protected call costs beyond the call itself, in nanoseconds of the calling thread's time: medians of nine runs,
# for one thread and for two.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
help_if_asked "$@"

"$root/scripts/build.sh" release breaker_benchmark
"$bin/breaker_benchmark" --benchmark_repetitions=9 --benchmark_min_time=0.2 \
  --benchmark_report_aggregates_only=true --benchmark_color=false 2>/dev/null |
  awk 'BEGIN { printf "%-20s %8s %12s\n", "what", "threads", "a call" }
       /_median/ {
         split($1, part, "/"); name = part[1]; gsub("_", " ", name)
         threads = part[3]; sub("threads:", "", threads); sub("_median", "", threads)
         sub(/.*a call=/, ""); sub("ns", ""); printf "%-20s %8d %9.1f ns\n", name, threads, $0
       }'
