#!/usr/bin/env bash
# Usage: scripts/run_distributed.sh A|B|C [OPTIONS of distributed_breaker]
#
# Stage 2: one instance, with its breaker in its own memory. A, B and C listen on 8001, 8002 and 8003: one terminal each.
# build/bin/distributed_breaker --help lists the options.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/dev/common.sh"
help_if_asked "$@"

run_instance distributed_breaker "$@"
