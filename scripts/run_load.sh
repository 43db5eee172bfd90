#!/usr/bin/env bash
# Usage: scripts/run_load.sh [OPTIONS of load_generator]
#
# Sends ten calls a second, for ten seconds, to the instances on 8001 to 8003, and reports what became of them.
# build/bin/load_generator --help lists the options.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/dev/common.sh"
help_if_asked "$@"

need_build load_generator
exec "$bin/load_generator" "$@"
