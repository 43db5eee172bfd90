#!/usr/bin/env bash
# Usage: scripts/control_room.sh [2|3] [OPTIONS of load_generator ui]
#
# Serves the control room, a page for your browser at http://127.0.0.1:8080/: three instances of stage 2 or 3 (without a
# number: 3), an upstream and, for stage 3, a Redis, all on free ports, and ten calls a second. Break things from the page.
# Ctrl-C ends all of it. Installs and builds what is missing.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/dev/common.sh"
help_if_asked "$@"

stage=redis
case "${1:-}" in
  2) stage=distributed; shift ;;
  3) shift ;;
  "" | -*) ;;
  *) echo "control_room.sh: which stage, 2 or 3? (not '$1'; --help lists the options)" >&2; exit 2 ;;
esac
build release programs  # the page plays scenarios of all stages
case " $* " in *" --rate"*) ;; *) set -- --rate 10 "$@" ;; esac
exec "$bin/load_generator" ui --stage "$stage" "$@"
