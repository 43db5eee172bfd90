#!/usr/bin/env bash
# Usage: scripts/breaker.sh COMMAND [OPTIONS]
#
# Manual control: takes a breaker out of its own hands, at every instance, and gives it back.
#
#   status        how each instance sees it
#   force-open    reject every call
#   force-close   admit every call, whatever becomes of it
#   disable       as if there were no breaker
#   metrics-only  count and report, and reject nothing
#   auto          let it decide by itself again
#   reset         forget everything and begin closed
#
#   --reason TEXT      why, for those who wonder later (by default: by hand)
#   --actor NAME       who (by default: you)
#   --for 10m          until then, and auto again afterwards: 250ms, 10s, 2m, 1h (by default: until somebody says auto)
#   --tenant NAME      the breaker of this tenant
#   --instance URL     one instance; may be given again (by default: http://127.0.0.1:8001, 8002 and 8003)
#   --token-file FILE  the token that the instances ask for, in its first line
#
# An instance that does not answer is named, and the others are still asked. Instances that share their breaker are told
# once. Exit code 1: not all is done; 2: it was not understood, and nothing was done.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
help_if_asked "$@"

usage_error() {
  echo "breaker.sh: $1 (--help says more)" >&2
  exit 2
}

# Which mode a command means; nothing for a command that is none.
mode_of() {
  case "$1" in
    force-open) echo forced_open ;;
    force-close) echo forced_closed ;;
    disable) echo disabled ;;
    metrics-only) echo metrics_only ;;
    auto | reset) echo "$1" ;;
  esac
}

to_ms() {  # DURATION: nothing where it is none
  local factor
  [[ "$1" =~ ^([0-9]{1,9})(ms|s|m|h)$ ]] || return 0
  case "${BASH_REMATCH[2]}" in
    ms) factor=1 ;;
    s) factor=1000 ;;
    m) factor=60000 ;;
    h) factor=3600000 ;;
  esac
  echo $((10#${BASH_REMATCH[1]} * factor))
}

read_token() {  # FILE
  [ -r "$1" ] || usage_error "cannot read the token file '$1'"
  read -r token <"$1" || [ -n "$token" ] || usage_error "the token file '$1' is empty"
  token=${token%$'\r'}
  [[ "$token" =~ ^[[:graph:]]+$ ]] || usage_error "the first line of '$1' is no token"
}

command=${1:-}
[ -n "$command" ] || usage_error "status, force-open, force-close, disable, metrics-only, auto or reset?"
shift
mode=$(mode_of "$command")
[ "$command" = status ] || [ -n "$mode" ] || usage_error "no such command: $command"

reason="by hand" actor=${USER:-$(id -un)} expires_in_ms=null tenant='' token=''
instances=()
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || usage_error "$1 is no option, or has no value"
  case "$1" in
    --reason) reason=$2 ;;
    --actor) actor=$2 ;;
    --for)
      expires_in_ms=$(to_ms "$2")
      [ "${expires_in_ms:-0}" -gt 0 ] || usage_error "--for is '$2'; write 250ms, 10s, 2m or 1h"
      ;;
    --tenant) tenant=$2 ;;
    --instance)
      [[ "$2" =~ ^https?://[^/[:space:]?#]+/?$ ]] || usage_error "--instance is '$2'; write http://HOST:PORT"
      instances+=("${2%/}")
      ;;
    --token-file) read_token "$2" ;;
    *) usage_error "no such option: $1" ;;
  esac
  shift 2
done
if [ "$expires_in_ms" != null ]; then
  case "$command" in status | auto | reset) usage_error "$command takes no --for" ;; esac
fi
[ ${#instances[@]} -gt 0 ] || instances=(http://127.0.0.1:800{1,2,3})
if ! command -v curl >/dev/null || ! command -v jq >/dev/null; then "$root/scripts/dev/setup.sh"; fi

# METHOD INSTANCE PATH [BODY]: sets $http_status (000: no answer) and $answer. The token goes through a pipe, never over
# a command line, where everybody on the machine could read it.
ask() {
  local method=$1 query='' reply code=0
  shift
  [ -z "$tenant" ] || query="?tenant=$(jq -rn --arg tenant "$tenant" '$tenant | @uri')"
  local arguments=(--disable --silent --show-error --globoff --noproxy '*' --max-time 5 --request "$method"
                   --write-out '\n%{http_code}')
  [ $# -lt 3 ] || arguments+=(--header 'Content-Type: application/json' --data-binary "$3")
  reply=$(curl "${arguments[@]}" --header @<(authorization "$method") --url "$1$2$query" 2>&1) || code=$?
  http_status=${reply##*$'\n'}
  answer=${reply%$'\n'*}
  [ $code -eq 0 ] || http_status=000  # half an answer is none
}

authorization() {  # METHOD: only what writes needs the token
  [ "$1" = GET ] || [ -z "$token" ] || printf 'Authorization: Bearer %s\n' "$token"
}

# INSTANCE: says on standard error why there is no good answer.
complain() {
  local why
  if [ "$http_status" = 000 ]; then
    why="does not answer: $(grep -m 1 -o 'curl: .*' <<<"$answer")"
  else
    why="answers $http_status: $(jq -r '.error' <<<"$answer" 2>/dev/null || echo 'and no JSON')"
  fi
  echo "$1 ${why//[[:cntrl:]]/ }" >&2
}

# Rows of tab-separated fields become columns.
aligned() {
  awk -F '\t' '{ rows[NR] = $0; for (i = 1; i < NF; ++i) if (length($i) > width[i]) width[i] = length($i) }
    END { for (row = 1; row <= NR; ++row) {
            fields = split(rows[row], field)
            line = ""
            for (i = 1; i < fields; ++i) line = line sprintf("%-" width[i] "s  ", field[i])
            print line field[fields] } }'
}

# shellcheck disable=SC2016  # the variables are jq's
# One row: instance, state, mode, failures, until, and why. Times are local; control characters do not reach a terminal.
readonly status_row='
  def plain: tostring | gsub("[[:cntrl:]]"; " ");
  .instance as $instance | .breaker | (.override // {}) as $override
  | [$instance, .state, $override.mode // "auto", .failures // "-",
     (if $override.expires_at_ms then $override.expires_at_ms / 1000 | strflocaltime("%Y-%m-%d %H:%M:%S") else "-" end),
     (if $override.reason then "\($override.reason) (\($override.actor // "?"))" else "-" end)]
  | map(plain) | join("\t")'

show_status() {
  local instance row rows=$'instance\tstate\tmode\tfailures\tuntil\treason' code=0
  for instance in "${instances[@]}"; do
    ask GET "$instance" /status
    if [ "$http_status" = 200 ] && row=$(jq -er "$status_row" <<<"$answer" 2>/dev/null); then
      rows+=$'\n'$row
    else
      complain "$instance"
      code=1
    fi
  done
  [[ "$rows" != *$'\n'* ]] || aligned <<<"$rows"
  return $code
}

override() {
  local instance body code=0
  body=$(jq -cn --arg mode "$mode" --arg actor "$actor" --arg reason "$reason" --argjson ms "$expires_in_ms" \
    '{mode: $mode, actor: $actor, reason: $reason} + if $ms then {expires_in_ms: $ms} else {} end')
  for instance in "${instances[@]}"; do
    ask PUT "$instance" /breaker/override "$body"
    if [ "$http_status" != 200 ]; then
      complain "$instance"
      code=1
      continue
    fi
    echo "$instance: $command is done"
    if jq -e '.shared == true' <<<"$answer" >/dev/null 2>&1; then
      echo "the others share this breaker"
      return 0
    fi
  done
  return $code
}

if [ "$command" = status ]; then show_status; else override; fi
