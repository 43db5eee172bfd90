#!/usr/bin/env bash
# Usage: scripts/dev/launchers_test.sh
#
# Starts stages 2 and 3 with their launchers, as a learner does in several terminals (but on free ports), sends load, and
# stops everything. Prints what is wrong, and exits with 1 then.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
help_if_asked "$@"
cd "$root"

work=$root/build/launchers_test.$$
mkdir -p "$work"
declare -A pids=()
clean_up() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap clean_up EXIT

fail() {
  echo "FAILED: $1" >&2
  shift
  for file in "$@"; do sed "s|^|  $(basename "$file"): |" "$file" >&2; done
  exit 1
}

eventually() {  # COMMAND...: tries for a minute
  local deadline=$((SECONDS + 60))
  until "$@"; do
    [ $SECONDS -lt $deadline ] || return 1
    sleep 0.02
  done
}

start() {  # NAME COMMAND...: in the background; its output in $work/NAME
  local name=$1
  shift
  : >"$work/$name"  # before the command starts: url_of must not find the address of an earlier fleet
  "$@" >"$work/$name" 2>&1 &
  pids[$name]=$!
}

url_of() {  # NAME: prints the address of a started server, from its output
  eventually grep -q 'http://127[0-9.]*:[0-9]' "$work/$1" || fail "$1 does not listen" "$work/$1"
  grep -o 'http://[0-9.:]*' "$work/$1" | tail -n 1
}

stops_within_a_second() {  # SIGNAL NAME...
  local signal=$1 name tries
  shift
  for name in "$@"; do kill "-$signal" "${pids[$name]}"; done
  for name in "$@"; do
    for ((tries = 50; tries > 0; --tries)); do
      kill -0 "${pids[$name]}" 2>/dev/null || break
      sleep 0.02
    done
    [ "$tries" -gt 0 ] || fail "$name still runs a second after SIG$signal" "$work/$name"
    unset "pids[$name]"
  done
}

run_fleet() {  # LAUNCHER [OPTIONS]: three instances, load, and no unexplained call
  local launcher=$1 name targets=''
  shift
  start upstream scripts/run_upstream.sh --port 0 --failure-rate 0.6 --seed 1
  upstream=$(url_of upstream)
  for name in A B C; do start "$name" "$launcher" "$name" --port 0 --upstream "$upstream" "$@"; done
  for name in A B C; do targets+=${targets:+,}$(url_of "$name"); done
  scripts/run_load.sh --targets "$targets" --upstream "$upstream" --duration 2s --rate 30 --out "$work/run.json" \
    >"$work/load" 2>&1 || fail "run_load.sh against $launcher" "$work/load"
  jq -e '.measures.unexplained == 0' "$work/run.json" >/dev/null || fail "unexplained calls" "$work/load"
  grep -q $'\033' "$work/load" && fail "colours in a pipe" "$work/load"
  stops_within_a_second INT A B upstream
  stops_within_a_second TERM C
}

# Runs the indented lines of a launcher's output literally and in order, except scripts, which stay in the foreground.
type_hints() {  # OUTPUT LAUNCHER
  local hint
  while read -r hint; do
    case "$hint" in
      *redis-cli* | kill* | export*) ;;
      ./scripts/*) continue ;;
      *) fail "$2 prints a hint of another kind: $hint" ;;
    esac
    if ! eval "$hint" >"$work/hint" 2>&1 || grep -qE '^(\(error\) |[A-Z]+ [A-Z])' "$work/hint"; then
      fail "$2: the hint '$hint' does not work" "$work/hint"
    fi
    if [[ "$hint" == *FAILOVER* ]]; then eventually grep -q '+switch-master' "$1" || fail "no failover" "$1"; fi
  done < <(sed -n 's/^  //p' "$1")
}

# Servers need a port that is given as a number, and a cluster the ports 10000 above. So that no client has one of them,
# they are below 32768.
start_on_some_port() {  # NAME CONDITION COMMAND...: PORT in the command is replaced; sets `port`
  local name=$1 condition=$2
  shift 2
  for _ in 1 2 3 4 5; do
    port=$((10000 + RANDOM % 10000))
    start "$name" "${@//PORT/$port}"
    eventually has_started_or_ended "$name" "$condition"
    if kill -0 "${pids[$name]}" 2>/dev/null; then return; fi
  done
  fail "$1 does not start" "$work/$name"
}
has_started_or_ended() { "$2" || ! kill -0 "${pids[$1]}" 2>/dev/null; }

# Starts several Redis servers, an instance with the URL that the launcher prints, and then types the other hints.
run_with_several_servers() {  # LAUNCHER SCHEME
  local launcher=$1 scheme=$2 url port
  shows_url() { grep -q "$scheme://" "$work/several"; }
  start_on_some_port several shows_url "$launcher" PORT
  url=$(grep -o "$scheme://[^ ]*" "$work/several") || fail "$launcher does not start" "$work/several"
  if "$launcher" "$port" >"$work/second" 2>&1; then fail "$launcher starts twice" "$work/second"; fi
  grep -q "something already uses 127.0.0.1:$port" "$work/second" || fail "$launcher: which port?" "$work/second"
  start A scripts/run_redis.sh A --port 0 --redis "$url" --redis-timeout 5s
  curl --silent --noproxy '*' "$(url_of A)/status" >"$work/status"
  grep -q '"store":"redis"' "$work/status" || fail "no breaker in $url" "$work/status" "$work/A"
  type_hints "$work/several" "$launcher"
  stops_within_a_second TERM A several
  if redis-cli -p "$port" ping >/dev/null 2>&1; then fail "$launcher leaves servers behind"; fi
}

show_control_room() {  # STAGE: serves its page, with three instances, and all of it ends at once
  local url
  start room scripts/control_room.sh "$1" --port 0
  url=$(url_of room)
  curl --silent --noproxy '*' "$url/" >"$work/page"
  grep -q '<h1>' "$work/page" || fail "control_room.sh $1 shows no page" "$work/page"
  grep -q 'Instance-C' < <(timeout 5 curl --silent --noproxy '*' --no-buffer "$url/events") || fail "no third instance"
  stops_within_a_second INT room
}

for script in scripts/*.sh; do
  grep -q Usage <<<"$("$script" --help)" || fail "$script --help says nothing"
done
for script in scripts/run_distributed.sh scripts/run_redis.sh scripts/lab.sh scripts/control_room.sh; do
  if "$script" Z >"$work/wrong" 2>&1 || [ "$(wc -l <"$work/wrong")" -ne 1 ]; then
    fail "$script Z: one line and an error, please" "$work/wrong"
  fi
done

runs_sleep() { pgrep -P "$1" -x sleep >"$work/child"; }
has_ended() { ! kill -0 "$1" 2>/dev/null; }
for signal in INT TERM HUP KILL; do
  start attended env --default-signal=INT bash -c 'source scripts/dev/common.sh; attended sleep 1000'
  disown "${pids[attended]}"  # so that bash does not report how it ended
  eventually runs_sleep "${pids[attended]}" || fail "attended starts nothing" "$work/attended"
  stops_within_a_second "$signal" attended
  eventually has_ended "$(<"$work/child")" || fail "a command survives the SIG$signal that ended its script"
done

run_fleet scripts/run_distributed.sh
show_control_room 2
show_control_room 3

redis_is_up() { redis-cli -p "$port" ping 2>/dev/null | grep -q PONG; }
start_on_some_port redis redis_is_up redis-server --bind 127.0.0.1 --port PORT --save '' --dir /
redis=redis://127.0.0.1:$port/0
scripts/start_redis.sh "$port" >"$work/taken" || fail "start_redis.sh where a Redis answers" "$work/taken"
grep -q "scripts/start_redis.sh $((port + 1))" "$work/taken" || fail "start_redis.sh names no other port" "$work/taken"
# A window and a quorum: with them the breaker has every key but `probes`, which needs a half-open breaker.
run_fleet scripts/run_redis.sh --redis "$redis" --failure-rate-threshold 1 --minimum-reporting-instances 2
[ "$(redis-cli -u "$redis" exists cb:unreliable_service:{window,reporters})" = 2 ] || fail "the breaker has other keys than reset.sh knows"

redis-cli -u "$redis" set keep me >/dev/null
REDIS_URL=$redis scripts/reset.sh >"$work/reset" || fail "reset.sh" "$work/reset"
grep -q 'cb:unreliable_service: is reset' "$work/reset" || fail "reset.sh says something else" "$work/reset"
[ "$(redis-cli -u "$redis" keys '*')" = keep ] || fail "reset.sh left keys, or took others'"
if REDIS_URL=$redis scripts/reset.sh 'a*' 2>/dev/null; then fail "reset.sh accepts any name"; fi
if REDIS_URL=rediss+sentinel://:sesame@h/m scripts/reset.sh 2>"$work/reset"; then fail "reset.sh accepts any URL"; fi
if [ "$(wc -l <"$work/reset")" -ne 1 ] || grep -q sesame "$work/reset"; then fail "not in one line" "$work/reset"; fi
redis-cli -u "$redis" config set requirepass sesame >/dev/null
REDIS_URL=redis://:sesame@127.0.0.1:$port/0 scripts/reset.sh >"$work/reset" || fail "reset.sh with a password" "$work/reset"
stops_within_a_second TERM redis
run_with_several_servers scripts/start_sentinel.sh redis+sentinel
run_with_several_servers scripts/start_cluster.sh redis+cluster
echo "the launchers work"
