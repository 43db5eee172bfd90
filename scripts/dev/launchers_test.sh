#!/usr/bin/env bash
# Usage: scripts/dev/launchers_test.sh
#
# Starts stages 2 and 3 by their launchers, as a learner does in several terminals (but on free ports), sends load, and
# stops everything. Prints what is wrong, if anything; exit code 1 then.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
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

eventually() {  # COMMAND...: tries for ten seconds
  local deadline=$((SECONDS + 10))
  until "$@"; do
    [ $SECONDS -lt $deadline ] || return 1
    sleep 0.02
  done
}

start() {  # NAME COMMAND...: in the background; its output in $work/NAME
  local name=$1
  shift
  : >"$work/$name"  # here: in the background it may come after the look for an earlier fleet's address
  "$@" >"$work/$name" 2>&1 &
  pids[$name]=$!
}

url_of() {  # NAME: the address that a started server says it listens on
  eventually grep -q "listening on" "$work/$1" || fail "$1 does not listen" "$work/$1"
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

run_fleet() {  # LAUNCHER [OPTIONS]: three instances, load, and every call explained
  local launcher=$1 name targets=''
  shift
  start upstream scripts/run_upstream.sh --port 0 --failure-rate 0.6 --seed 1
  upstream=$(url_of upstream)
  for name in A B C; do start "$name" "$launcher" "$name" --port 0 --upstream "$upstream" "$@"; done
  for name in A B C; do targets+=${targets:+,}$(url_of "$name"); done
  scripts/run_load.sh --targets "$targets" --upstream "$upstream" --duration 2s --rate 30 >"$work/load" 2>&1 ||
    fail "run_load.sh against $launcher" "$work/load"
  grep -q 'unexplained calls: 0' "$work/load" || fail "unexplained calls" "$work/load"
  grep -q $'\033' "$work/load" && fail "colours in a pipe" "$work/load"
  stops_within_a_second INT A B upstream
  stops_within_a_second TERM C
}

# Starts several Redis servers by their launcher, and an instance with the URL that it prints.
run_with_several_servers() {  # LAUNCHER SCHEME
  local launcher=$1 scheme=$2 url port
  for _ in 1 2 3 4 5; do
    port=$((20000 + RANDOM % 10000))
    start several "$launcher" "$port"
    if eventually grep -q "$scheme://" "$work/several"; then break; fi
  done
  url=$(grep -o "$scheme://[^ ]*" "$work/several") || fail "$launcher does not start" "$work/several"
  if "$launcher" "$port" >"$work/second" 2>&1; then fail "$launcher starts twice" "$work/second"; fi
  grep -q "something already uses 127.0.0.1:$port" "$work/second" || fail "$launcher: which port?" "$work/second"
  start A scripts/run_redis.sh A --port 0 --redis "$url" --redis-timeout 5s
  curl --silent --noproxy '*' "$(url_of A)/status" >"$work/status"
  grep -q '"store":"redis"' "$work/status" || fail "no breaker in $url" "$work/status" "$work/A"
  stops_within_a_second TERM A several
  if redis-cli -p "$port" ping >/dev/null 2>&1; then fail "$launcher leaves servers behind"; fi
}

show_control_room() {  # STAGE: its page is there, with three instances, and all of it ends at once
  local url
  start room scripts/control_room.sh "$1" --port 0
  eventually grep -q 'the control room: ' "$work/room" || fail "control_room.sh $1 does not start" "$work/room"
  url=$(grep -o 'http://[0-9.:]*' "$work/room" | tail -n 1)
  curl --silent --noproxy '*' "$url/" >"$work/page"
  grep -q '<h1>The control room</h1>' "$work/page" || fail "control_room.sh $1 shows no page" "$work/page"
  grep -q 'Instance-C' < <(timeout 5 curl --silent --noproxy '*' --no-buffer "$url/events") || fail "no third instance"
  stops_within_a_second INT room
}

for script in scripts/*.sh; do
  [ "$script" = scripts/common.sh ] || grep -q Usage <<<"$("$script" --help)" || fail "$script --help says nothing"
done
for script in scripts/run_distributed.sh scripts/run_redis.sh scripts/lab.sh scripts/control_room.sh; do
  if "$script" Z >"$work/wrong" 2>&1 || [ "$(wc -l <"$work/wrong")" -ne 1 ]; then
    fail "$script Z: one line and an error, please" "$work/wrong"
  fi
done

run_fleet scripts/run_distributed.sh
show_control_room 2
show_control_room 3

redis_is_up() { redis-cli -u "$redis" ping 2>/dev/null | grep -q PONG; }
for _ in 1 2 3 4 5; do
  port=$((20000 + RANDOM % 10000))
  redis=redis://127.0.0.1:$port/0
  start redis redis-server --bind 127.0.0.1 --port "$port" --save '' --dir /
  if eventually redis_is_up && kill -0 "${pids[redis]}" 2>/dev/null; then break; fi
done
# A window and a quorum: with them, every key that there can be (but for probes, which need a half-open breaker).
run_fleet scripts/run_redis.sh --redis "$redis" --failure-rate-threshold 1 --minimum-reporting-instances 2
[ "$(redis-cli -u "$redis" exists cb:unreliable_service:{window,reporters})" = 2 ] || fail "keys are not what they were"

redis-cli -u "$redis" set keep me >/dev/null
REDIS_URL=$redis scripts/reset.sh >"$work/reset" || fail "reset.sh" "$work/reset"
grep -q 'cb:unreliable_service: is reset' "$work/reset" || fail "reset.sh says something else" "$work/reset"
[ "$(redis-cli -u "$redis" keys '*')" = keep ] || fail "reset.sh left keys, or took others'"
if REDIS_URL=$redis scripts/reset.sh 'a*' 2>/dev/null; then fail "reset.sh takes any name"; fi
if REDIS_URL=rediss+sentinel://:sesame@h/m scripts/reset.sh 2>"$work/reset"; then fail "reset.sh takes any URL"; fi
if [ "$(wc -l <"$work/reset")" -ne 1 ] || grep -q sesame "$work/reset"; then fail "not in one line" "$work/reset"; fi
redis-cli -u "$redis" config set requirepass sesame >/dev/null
REDIS_URL=redis://:sesame@127.0.0.1:$port/0 scripts/reset.sh >"$work/reset" || fail "reset.sh with a password" "$work/reset"
stops_within_a_second TERM redis
run_with_several_servers scripts/start_sentinel.sh redis+sentinel
run_with_several_servers scripts/start_cluster.sh redis+cluster
echo "the launchers work"
