#!/usr/bin/env bash
# Usage: scripts/dev/includes_test.sh
#
# Checks that includes run one way between the rooms of the repository, that no folder has become too big to look
# through, and that the root CMakeLists.txt stays short. Prints each offending line.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
help_if_asked "$@"
cd "$root"

most_files=25
most_cmake_lines=79

# ROOM: the other rooms that its files may include. A room is a folder of the top level, or of load_generator.
# load_generator itself is main.cpp. It knows no stage, with one exception: the simulation plays the
# stages' breakers, the script and the upstream's plan in one process, so it must see them.
rooms='
program:
unreliable_service:  program
examples:
simple_breaker:      program
distributed_breaker: program simple_breaker
redis_breaker:       program simple_breaker distributed_breaker
store_breaker:       program simple_breaker distributed_breaker redis_breaker
scripts:             program
load_generator/record:       program
load_generator/api:          program record
load_generator/override:     program record api
load_generator/load:         program record api
load_generator/scenario:     program record api load
load_generator/fleet:        program record api load scenario
load_generator/page:
load_generator/report:       program record api load scenario page
load_generator/experiment:   program record api load scenario fleet page report
load_generator/simulation:   program record api load scenario fleet page report experiment simple_breaker distributed_breaker redis_breaker store_breaker unreliable_service
load_generator/race:         program record api load scenario fleet page report experiment simulation
load_generator/chaos:        program record api load scenario fleet page report
load_generator/live:         program record api load scenario page report
load_generator/terminal:     program record api load scenario page report live
load_generator/control_room: program record api load scenario fleet page report experiment live race
load_generator/tests:        program record api load scenario fleet page report experiment race chaos live terminal control_room override
load_generator:              program record api load scenario fleet page report experiment simulation race chaos live terminal control_room override
'

# Single files that may include one header more: PATTERN HEADER.
exceptions='
^simple_breaker/(demo/.*|main[.]cpp)$ unreliable_service/fault_plan.hpp
^load_generator/chaos/.*_test[.]cpp$  unreliable_service/fault_plan.hpp
'

include_lines() { git ls-files '*.cpp' '*.hpp' '*.in' | xargs grep -Hn '^[[:space:]]*#[[:space:]]*include "' || true; }

# A test of load_generator may use any of its rooms.
wrong_includes() {
  include_lines | awk -v rooms="$rooms" -v exceptions="$exceptions" '
    function room_of(path, parts, n) {
      n = split(path, parts, "/")
      return parts[1] == "load_generator" && n > 2 ? parts[1] "/" parts[2] : parts[1]
    }
    function is_test(file) { return file ~ /_test[.]cpp$|_for_test[.]|_tests?\/|\/tests\// }
    BEGIN {
      count = split(rooms, lines, "\n")
      for (i = 1; i <= count; ++i) {
        if (split(lines[i], words, /:? +|:$/) == 0 || words[1] == "") continue
        known[words[1]] = 1
        for (j = 2; j in words; ++j) {
          seen = words[j]
          allowed[words[1], seen] = allowed[words[1], "load_generator/" seen] = 1
        }
        delete words
      }
      count = split(exceptions, lines, "\n")
      for (i = 1; i <= count; ++i) if (split(lines[i], words, / +/) == 2) header_for[words[1]] = words[2]
    }
    {
      file = $0; sub(/:.*/, "", file)
      header = $0; sub(/^[^"]*"/, "", header); sub(/".*/, "", header)
      from = room_of(file); to = room_of(header)
      if (!(from in known)) { print $0 " (" from " is not in the table of rooms)"; next }
      if (from == to || (from, to) in allowed || header !~ /\//) next
      if (from ~ /^load_generator/ && to ~ /^load_generator\// && is_test(file)) next
      for (pattern in header_for) if (file ~ pattern && header == header_for[pattern]) next
      print $0 " (" from " must not see " to ")"
    }'
}

# Scenarios and tests are many on purpose.
big_folders() {
  git ls-files | grep / | sed 's,/[^/]*$,,' | sort | uniq -c |
    awk -v most="$most_files" '$1 > most && $2 !~ /(^|\/)(scenarios|tests|[^\/]*_tests)$/ { print $2 " has " $1 " files, of at most " most }'
}

long_cmake() {
  local lines
  lines=$(wc -l <CMakeLists.txt)
  [ "$lines" -le "$most_cmake_lines" ] || echo "CMakeLists.txt has $lines lines, of at most $most_cmake_lines"
}

faults=$(wrong_includes; big_folders; long_cmake)
[ -z "$faults" ] || { echo "$faults" >&2; exit 1; }
echo "includes run one way, in $(include_lines | wc -l) lines; no folder is too big"
