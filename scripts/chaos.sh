#!/usr/bin/env bash
# Usage: scripts/chaos.sh [OPTIONS of load_generator chaos]
#
# Injects faults into stage 3 at random while calls keep coming: Redis is killed, stopped, flushed, cut off and filled
# until it evicts keys, instances are killed, the upstream fails and slows down. Then every fault ends, and chaos.sh
# checks the run against what must hold whatever happens. Three minutes by default; --duration and --seed change that.
# With --sentinel, Sentinels watch Redis and fail over.
# Installs and builds what is missing. Uses free ports and a private Redis; the history of the run is in build/runs/.
# Exit code 0 only if every check held.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/dev/common.sh"
help_if_asked "$@"

build release load_generator redis_breaker unreliable_service
exec "$bin/load_generator" chaos "$@"
