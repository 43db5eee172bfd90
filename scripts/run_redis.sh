#!/usr/bin/env bash
# Usage: scripts/run_redis.sh A|B|C [OPTIONS of redis_breaker]
#
# Stage 3: one instance that shares its breaker through Redis (scripts/start_redis.sh brings one; REDIS_URL or --redis
# names another). A, B and C listen on 8001, 8002 and 8003: one terminal each.
# build/bin/redis_breaker --help lists the options.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/dev/common.sh"
help_if_asked "$@"

run_instance redis_breaker "$@"
