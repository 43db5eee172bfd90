#!/usr/bin/env bash
# Usage: scripts/lab.sh 2|3
#
# Runs stage 2 or 3 in one terminal: tmux shows every program in its own pane. The upstream breaks after 8 s and heals
# after 23 s. Ctrl-b d (inside another tmux: Ctrl-b Ctrl-b d), or closing the window, stops everything that lab.sh started.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/dev/common.sh"
help_if_asked "$@"

case "${1:-}" in
  2) stage=distributed ;;
  3) stage=redis ;;
  *) echo "lab.sh: which stage, 2 or 3? (--help explains)" >&2; exit 2 ;;
esac
if ! [ -t 1 ]; then
  echo "lab.sh: this needs a terminal; scripts/compare.sh does not" >&2
  exit 1
fi
build release load_generator "${stage}_breaker" unreliable_service

# A separate tmux server leaves the user's sessions and settings untouched.
socket="circuit-breaker-lab-$$"
lab() { TMUX='' tmux -L "$socket" -f /dev/null "$@"; }
clean_up() {
  # One by one, as a redis-server survives the end of its terminal.
  lab list-panes -s -t lab -F '#{pane_pid}' 2>/dev/null | xargs -r kill 2>/dev/null || true
  lab kill-server 2>/dev/null || true
  rm -f "${TMUX_TMPDIR:-/tmp}/tmux-$(id -u)/$socket"
}
trap clean_up EXIT

# Adds a pane, which stays when its program ends, so that its last output can be read.
pane() {  # TITLE COMMAND
  local id
  id=$(lab split-window -t lab -P -F '#{pane_id}' -c "$root" "exec $2")
  lab select-pane -t "$id" -T "$1"
  lab select-layout -t lab main-horizontal >/dev/null
}

answers() { echo "until curl -sf -o /dev/null $1/health; do sleep 0.1; done"; }
if [ "$stage" = redis ]; then ready='until redis-cli ping >/dev/null 2>&1; do sleep 0.1; done'; else ready=true; fi

lab new-session -d -s lab -x "$(tput cols)" -y "$(tput lines)" -c "$root" \
  "$(answers http://127.0.0.1:8003); exec scripts/run_load.sh --duration 60s"
lab set-option -g remain-on-exit on
lab set-option -g pane-border-status top
lab set-option -g pane-border-format ' #{pane_title} '
lab set-option -g main-pane-height 50%
lab set-option -g mouse on
lab set-option -g status-left ''
lab set-option -g window-status-current-format ''
lab set-option -g status-right ' Ctrl-b d ends the lab '
lab select-pane -t lab -T 'load'
pane 'upstream: down 8-23 s' "scripts/run_upstream.sh --plan 'healthy 8s, down 15s, healthy'"
if [ "$stage" = redis ]; then pane 'Redis' scripts/start_redis.sh; fi
for instance in A B C; do
  pane "Instance-$instance" "bash -c '$ready; exec scripts/run_$stage.sh $instance'"
done
lab attach -t lab
