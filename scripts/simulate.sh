#!/usr/bin/env bash
# Usage: scripts/simulate.sh SCENARIO... | all | scale | border | chaos [OPTIONS]
#
# Plays experiments in virtual time, with any number of instances, in one process: the same breakers and the same script,
# no waiting. `scale` is one outage for fleets of 1 to 100,000 instances; `border` is one shared breaker against one in each
# instance; `chaos` is years of a fleet to which harm is done.
#   --seed N, --designs NAMES   which run; which stages or variants; store: stage 4, also in chaos
#   --instances N               another number; the load grows with it
#   --details                   also every measure and every expectation, in tables
#   --set NAME=VALUE            another value of a setting: failure_threshold=5
#   --seeds N                   each measure over N seeds, beside the last real run in build/runs/
#   --against-real              with --seeds: exit code 1 if a real run has counts that no seed comes near
#   --hours N, --until SECONDS  chaos: how much; show the life of one seed, event by event
# Installs and builds what is missing. Exit code 0 only if every expectation held, and nothing was violated.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/dev/common.sh"
[ $# -gt 1 ] || help_if_asked "$@"

build release programs
exec "$bin/load_generator" simulate "$@"
