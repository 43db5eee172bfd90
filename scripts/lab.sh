#!/usr/bin/env bash
# Usage: scripts/lab.sh 2|3
#
# Runs stage 2 or 3 in one terminal of 80 x 24 or more: tmux shows the breakers live (load_generator watch) above the load;
# Ctrl-b n (inside another tmux: Ctrl-b Ctrl-b n) shows the programs instead, each in its pane, and back again. The
# upstream breaks after 8 s and heals after 23 s. Ctrl-b d, or closing the window, stops everything that lab.sh started.
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

# Adds a pane to a window. It stays when its program ends, so that the last output can be read.
pane() {  # WINDOW TITLE COMMAND
  local id
  id=$(lab split-window -t "lab:$1" -P -F '#{pane_id}' -c "$root" "exec $3")
  lab select-pane -t "$id" -T "$2"
}

answers() { echo "until curl -sf -o /dev/null $1/health; do sleep 0.1; done"; }
if [ "$stage" = redis ]; then ready='until redis-cli ping >/dev/null 2>&1; do sleep 0.1; done'; else ready=true; fi

lab new-session -d -s lab -n breakers -x "$(tput cols)" -y "$(tput lines)" -c "$root" "exec scripts/run_load.sh watch"
lab set-option -g remain-on-exit on
lab set-option -g pane-border-status top
lab set-option -g pane-border-format ' #{pane_title} '
lab set-option -g main-pane-height 20  # the lines of watch, its title and the cursor
lab set-option -g mouse on
lab set-option -g status-left ''
lab set-option -g window-status-format ' #W '
lab set-option -g window-status-current-format '[#W]'
lab set-option -g status-right-length 50
lab set-option -g status-right 'Ctrl-b n: other window  Ctrl-b d: end the lab '
lab select-pane -t lab -T 'load_generator watch'
pane breakers 'load' "bash -c '$(answers http://127.0.0.1:8003); exec scripts/run_load.sh --duration 60s'"
lab select-layout -t lab:breakers main-horizontal >/dev/null

lab new-window -d -t lab -n programs -c "$root" "exec scripts/run_upstream.sh --plan 'healthy 8s, down 15s, healthy'"
lab select-pane -t lab:programs -T 'upstream: down 8-23 s'
if [ "$stage" = redis ]; then pane programs 'Redis' scripts/start_redis.sh; fi
for instance in A B C; do
  pane programs "Instance-$instance" "bash -c '$ready; exec scripts/run_$stage.sh $instance'"
  lab select-layout -t lab:programs tiled >/dev/null  # a pane is split only where it has room
done
lab select-pane -t lab:breakers.0
lab attach -t lab
