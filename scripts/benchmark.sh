#!/usr/bin/env bash
# Usage: scripts/benchmark.sh [OPTIONS of Google Benchmark]
#
# What a protected call costs beyond the call itself: medians of several runs, for one thread and for two.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
help_if_asked "$@"

"$root/scripts/build.sh" release breaker_benchmark
exec "$bin/breaker_benchmark" --benchmark_repetitions=5 --benchmark_report_aggregates_only=true "$@"
