#!/usr/bin/env bash
# Usage: scripts/lab.sh 2|3
#
# Stage 2 or 3 in one terminal: tmux, and every program in its own pane. Leave with Ctrl-b d or by closing the window;
# either way everything that was started here is stopped.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
help_if_asked "$@"

case "${1:-}" in
  2) stage=distributed ;;
  3) stage=redis ;;
  *) echo "lab.sh: which stage, 2 or 3? (--help says more)" >&2; exit 2 ;;
esac
if ! [ -t 1 ]; then
  echo "lab.sh: this needs a terminal; scripts/compare.sh does without" >&2
  exit 1
fi
"$root/scripts/build.sh" release programs

# A tmux server of our own: no session or setting of the user's is touched.
socket="circuit-breaker-lab-$$"
lab() { TMUX='' tmux -L "$socket" -f /dev/null "$@"; }
clean_up() {
  lab kill-server 2>/dev/null || true
  rm -f "${TMUX_TMPDIR:-/tmp}/tmux-$(id -u)/$socket"
}
trap clean_up EXIT

pane() {  # TITLE COMMAND: a pane that stays when its program ends, so that its last words can be read
  local id
  id=$(lab split-window -t lab -P -F '#{pane_id}' -c "$root" "$2")
  lab select-pane -t "$id" -T "$1"
  lab select-layout -t lab tiled >/dev/null
}

lab new-session -d -s lab -x 200 -y 50 -c "$root" "scripts/run_upstream.sh --plan 'healthy 8s, down 15s, healthy'"
lab set-option -g remain-on-exit on
lab set-option -g pane-border-status top
lab set-option -g pane-border-format ' #{pane_title} '
lab set-option -g mouse on
lab select-pane -t lab -T 'upstream (healthy 8 s, down 15 s, healthy)'
if [ "$stage" = redis ]; then pane 'Redis' scripts/start_redis.sh; fi
for instance in A B C; do pane "Instance-$instance" "scripts/run_$stage.sh $instance"; done
pane 'load' "until curl -sf -o /dev/null http://127.0.0.1:8003/health; do sleep 0.1; done; scripts/run_load.sh --duration 40s"
lab attach -t lab
