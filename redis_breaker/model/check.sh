#!/usr/bin/env bash
# Usage: redis_breaker/model/check.sh [--quick | --show NAME]
#
# Checks the models of this folder with spin, and prints a table. Each line is one search of every possible run within
# its bounds. A line that should hold must have no violation; a line that has a safeguard taken away must have one, of the
# named property.
#
#   --quick      smaller bounds: less than half a minute instead of some minutes
#   --show NAME  prints the shortest trail found to the violation NAME
#
# Exits with 77 where spin is not installed (scripts/dev/setup.sh --test installs it).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

case "${1:-}" in
  --help | -h) sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"; exit 0 ;;
  --quick | --show | "") ;;
  *) echo "check.sh: $1 is not an option (--help lists them)" >&2; exit 2 ;;
esac
mode=${1:-full}
wanted=${2:-}
if ! command -v spin >/dev/null; then
  echo "skipped: spin is not installed; scripts/dev/setup.sh --test installs it"
  exit 77
fi

# NAME, the model, what is expected, how much may go wrong (--quick, full; -: not then), and switches. P8 and N3 are about
# endless runs.
loss=EVICTION+RESTART+FLUSH+ORDER+CRASH
all=SLOW+CRASH+LOST_REPLY+CUT+FAILOVER+EVICTION+RESTART+FLUSH+ORDER+CLOCK
cases="
two_probes_at_once    naive  N1     2 2 -DCHECK_PROBES
late_result_closes    naive  N2     2 2 -DCHECK_LATE
stuck_half_open       naive  N3     2 2
probes                shared holds  3 4 -DKINDS=SLOW+CRASH+LOST_REPLY
two_probes            shared holds  2 3 -DK=2 -DKINDS=SLOW+CRASH+LOST_REPLY
pushes                shared holds  2 3 -DIN_STEPS -DKINDS=CUT+FAILOVER+CRASH
evictions             shared holds  - 3 -DKINDS=EVICTION+ORDER+CRASH
losses_of_two         shared holds  3 4 -DN=2 -DKINDS=$loss
clock                 shared holds  3 5 -DKINDS=CLOCK+SLOW
everything            shared holds  - 2 -DKINDS=$all
everything_of_two     shared holds  2 3 -DN=2 -DKINDS=$all
recovers              shared holds8 2 3 -DKINDS=SLOW+CRASH+LOST_REPLY
recovers_always       shared holds8 - 2 -DKINDS=$all
NO_LEASES             shared P1     2 2 -DNO_LEASES
NO_GENERATION_CHECK   shared P2     2 2 -DNO_GENERATION_CHECK -DKINDS=0
LISTENER_AT_OLD_MASTER shared P3    2 2 -DLISTENER_AT_OLD_MASTER -DKINDS=FAILOVER
WORD_AND_FRESHNESS_APART shared P3  2 2 -DIN_STEPS -DWORD_AND_FRESHNESS_APART -DKINDS=CUT
GENERATIONS_ARE_COUNTED shared P4   2 2 -DGENERATIONS_ARE_COUNTED -DKINDS=RESTART
STRICT_ORDER          shared P5     2 2 -DSTRICT_ORDER -DKINDS=RESTART+ORDER
STRICT_FLUSH          shared P6     2 2 -DN=2 -DSTRICT_FLUSH -DKINDS=RESTART+FLUSH
FLUSH_FORGOTTEN       shared P6     4 4 -DN=2 -DFLUSH_FORGOTTEN -DKINDS=RESTART+FLUSH+CRASH
CLOCK_BACK            shared P7     2 2 -DCLOCK_BACK -DKINDS=CLOCK
LEASES_NEVER_END      shared P8     2 2 -DLEASES_NEVER_END -DKINDS=CRASH
"

optimize=-O2
[ "$mode" != --quick ] || optimize=-O1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cp "$here"/*.pml .

# Compiles the checker for a model, as ./pan.
compile() {  # MODEL, FLAGS of gcc, and of spin
  local model=$1 flags=$2
  shift 2
  spin -a "$@" "$model" >spin.log 2>&1 || { cat spin.log >&2; exit 1; }
  # shellcheck disable=SC2086  # several flags
  gcc $flags -w -o pan pan.c
}

# Runs the search that fits what is expected. The result is in pan.log and perhaps in a trail.
search() {  # MODEL EXPECTED, and flags of spin
  local model=$1 expected=$2
  shift 2
  rm -f ./*.trail
  case "$expected" in
    holds) compile "$model" "$optimize -DSAFETY -DNOCLAIM -DCOLLAPSE -DMEMLIM=8000" "$@"; ./pan -m100000 -w24 ;;
    holds8) compile "$model" "$optimize -DNFAIR=3 -DCOLLAPSE -DMEMLIM=8000" "$@"; ./pan -a -f -m100000 -w24 ;;
    P8 | N3) compile "$model" "-O1 -DNFAIR=3" "$@"; ./pan -a -f -m100 -w20; has_cycle || ./pan -a -f -m10000 -w20 ;;
    N*) compile "$model" "-O1 -DSAFETY -DNOCLAIM -DBFS" "$@"; ./pan -w20 ;;  # the shortest first
    *) compile "$model" "-O1 -DSAFETY -DNOCLAIM -DREACH" "$@"; ./pan -i -m100 -w20 ;;  # shorter and shorter ones
  esac >pan.log 2>&1 || { cat pan.log >&2; exit 1; }
}

has_cycle() { [ -n "$(ls ./*.trail 2>/dev/null)" ]; }

replay() {  # MODEL, and flags of spin
  spin -t -k "$1.trail" "${@:2}" "$1" 2>&1 || true
}

# The property that the trail violates: the last one that is named above the line of its assertion.
violated() {  # MODEL EXPECTED, and flags of spin
  local line
  line=$(replay "$1" "${@:3}" | sed -n "s/^spin: $1:\([0-9]*\), Error: assertion violated.*/\1/p")
  if [ -n "$line" ]; then
    head -n "$line" "$1" | grep -o '[PN][1-8]:' | tail -n 1 | tr -d :
  else
    grep -q 'acceptance cycle' pan.log && echo "${2/holds/P}"
  fi
}

verdict() {  # MODEL EXPECTED, and flags of spin
  local errors found
  errors=$(sed -n 's/.*errors: \([0-9]*\)$/\1/p' pan.log)
  found=$([ "${errors:-0}" = 0 ] || violated "$@")
  case "$2 $found" in
    "holds "|"holds8 ")
      # A search that was cut short proves nothing.
      if [ "$errors" != 0 ] || grep -qE 'not completed|depth too small|out of memory|truncated' pan.log; then
        echo "FAILED: the search ended early"
      else
        echo "no violation"
      fi ;;
    "$2 $2") echo "finds $found" ;;
    holds*) echo "FAILED: it violates $found" ;;
    *) echo "FAILED: ${found:-no violation}, not $2" ;;
  esac
}

number_of() { sed -n "$1" pan.log | tail -n 1; }

row() { printf '%-24s  %-6s  %6s  %9s  %5s  %7s  %s\n' "$@"; }

[ "$mode" = --show ] || row search expect faults states depth time verdict
failures=0
shown=0
while read -r name model expected quick full flags; do
  faults=$full
  [ "$mode" != --quick ] || faults=$quick
  if [ -z "$name" ] || [ "$faults" = - ] || { [ "$mode" = --show ] && [ "$name" != "$wanted" ]; }; then continue; fi
  model=${model}_breaker.pml
  read -r -a switches <<<"$flags -DFAULTS=$faults"
  begun=$(date +%s%N)
  search "$model" "$expected" "${switches[@]}"
  took=$((($(date +%s%N) - begun) / 100000000))
  result=$(verdict "$model" "$expected" "${switches[@]}")
  if [ "$mode" = --show ]; then
    replay "$model" "${switches[@]}" |
      sed '/^ltl /d; /^Never claim/d; s/^ \{10\}//; /: assertion violated/q; /trail ends/q'
    shown=1
    continue
  fi
  row "$name" "${expected/holds8/holds}" "$faults" "$(number_of 's/^ *\([0-9]*\) states, stored.*/\1/p')" \
    "$(number_of 's/.*depth reached \([0-9]*\).*/\1/p')" "$((took / 10)).$((took % 10)) s" "$result"
  case "$result" in FAILED*) failures=$((failures + 1)); replay "$model" "${switches[@]}" >&2 ;; esac
done <<<"$cases"

if [ "$mode" = --show ] && [ "$shown" = 0 ]; then
  echo "check.sh: $wanted is not a search; check.sh --quick lists them" >&2
  exit 2
fi
[ "$failures" = 0 ] || { echo "$failures searches did not end as expected" >&2; exit 1; }
