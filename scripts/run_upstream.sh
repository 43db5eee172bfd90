#!/usr/bin/env bash
# Usage: scripts/run_upstream.sh [OPTIONS of unreliable_service]
#
# The upstream that fails on purpose, on port 9000. While it runs, from another terminal:
#   curl -X PUT -d '{"failure_rate": 1}' http://127.0.0.1:9000/fault      breaks it
#   curl -X PUT -d '{"failure_rate": 0}' http://127.0.0.1:9000/fault      heals it
#   curl -X PUT -d '{"plan": "slow 800ms 5s, healthy"}' http://127.0.0.1:9000/fault
#   curl -X PUT -d '{"dropped_callers": ["Instance-B"]}' http://127.0.0.1:9000/fault      breaks the network of one caller,
#                                                                  whatever the plan; an empty list heals it
#   curl -s http://127.0.0.1:9000/ledger | jq                             shows what it really received
# build/bin/unreliable_service --help lists the options.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/dev/common.sh"
help_if_asked "$@"

need_build unreliable_service
exec "$bin/unreliable_service" "$@"
