#!/usr/bin/env bash
# Usage: scripts/run_store.sh A|B|C [OPTIONS of store_breaker]
#
# Stage 4: one instance, which shares its breaker through any store that can compare-and-set; by default through memory
# of this host (shm:lab), without a server. A, B and C listen on 8001, 8002 and 8003: one terminal each.
# build/bin/store_breaker --help lists the options. To begin from the start: rm /dev/shm/circuit_breaker.lab
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/dev/common.sh"
help_if_asked "$@"

run_instance store_breaker "$@"
