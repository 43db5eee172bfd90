#!/usr/bin/env bash
# Usage: scripts/chaos.sh [OPTIONS of load_generator chaos]
#
# Sets up, builds, and lets everything go wrong at random with stage 3: Redis is killed, stopped, flushed and cut off,
# instances are killed, the upstream fails and slows down, and calls keep coming. Then all is well again, and what
# happened is checked against what must hold whatever happens. Three minutes by default, --duration and --seed choose.
# Exit code 0 only if everything held. With --sentinel, Sentinels watch Redis, and it fails over.
# Everything runs on free ports of its own, with a private Redis; the whole history stays in build/runs/.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/dev/common.sh"
help_if_asked "$@"

"$root/scripts/dev/build.sh" release programs
exec "$bin/load_generator" chaos "$@"
