#!/usr/bin/env bash
# Usage: scripts/compare.sh [SCENARIO...]
#
# The main job: sets up, builds, lets the same fault hit each stage of a scenario, and prints the stages side by side,
# expected beside measured. Without a name it is outage-10: ten instances, a threshold of five, and a dead upstream.
# `all` is every scenario (some minutes). Exit code 0 only if every expectation held.
# Everything runs on free ports of its own, with a private Redis; results stay in build/runs/.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
help_if_asked "$@"
