#!/usr/bin/env bash
# Usage: scripts/run_simple.sh [OPTIONS of simple_breaker]
#
# Stage 1: one process, one breaker in memory, an upstream that fails 60 % of the calls. --fast simulates the time.
# build/bin/simple_breaker --help lists the options.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/dev/common.sh"
help_if_asked "$@"

need_build simple_breaker
exec "$bin/simple_breaker" "$@"
