#!/usr/bin/env bash
# Usage: scripts/breaker.sh COMMAND [OPTIONS]
#
# Controls breakers by hand, at every instance, until `auto` gives control back to the breaker.
#
#   status        show how each instance sees its breaker
#   force-open    reject every call
#   force-close   admit every call, whatever its outcome
#   disable       admit every call and count nothing
#   metrics-only  admit every call, count, and report when the breaker would have opened
#   auto          end the override
#   reset         end the override, forget all counts, and close the circuit
#
#   --reason TEXT      why, for people who read the log later (default: by hand)
#   --actor NAME       who (default: you)
#   --for 10m          how long the override holds: 250ms, 10s, 2m, 1h (default: until auto)
#   --tenant NAME      the breaker of this tenant
#   --instance URL     one instance; repeat the option for several (default: http://127.0.0.1:8001, 8002 and 8003)
#   --token-file FILE  the file's first line is the token that the instances want
#
# Names an instance that does not answer, and still asks the others. Instances that share their breaker get the override
# once. Exit code 1: not everything is done; 2: the command line was wrong, and nothing was done.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/dev/common.sh"
help_if_asked "$@"

need_build load_generator
exec "$bin/load_generator" override "$@"
