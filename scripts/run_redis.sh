#!/usr/bin/env bash
# Usage: scripts/run_redis.sh A|B|C [OPTIONS of redis_breaker]
#
# Stage 3: one instance, which shares its breaker through Redis on 127.0.0.1:6379 (scripts/start_redis.sh starts one;
# --redis or the environment variable REDIS_URL names another). A, B and C listen on 8001, 8002 and 8003: one terminal
# each. build/bin/redis_breaker --help lists the options.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/dev/common.sh"
help_if_asked "$@"

run_instance redis_breaker "$@"
