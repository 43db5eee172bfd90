#!/usr/bin/env bash
# Usage: scripts/dev/lint.sh [words|format|scripts|headers|tidy ...]
#
# Checks the sources without running them. Without an argument: words, format and scripts.
#   words    banned words in comments, READMEs, help texts, messages and names: each has a plainer substitute
#   format   clang-format
#   scripts  shellcheck
#   headers  each public header compiles by itself
#   tidy     clang-tidy on what is neither a test nor a benchmark: some minutes. It reads a room as one file, so names that
#            are private to a file must differ within it
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
help_if_asked "$@"
cd "$root"

# An underscore and a capital separate words too, so names are read like sentences.
word() { printf '(?<![A-Za-z])(?:%s)(?![a-z])' "$1"; }

# What is banned, and what to write instead.
banned=(
  "$(word 'tells?|told|telling')"                         'notifies, reports, says, is called'
  "$(word 'hears?|heard|hearing|overhears?|overheard')"   'receives, is notified of, observed'
  "$(word 'anew')"                                        'again, from the start'
  "$(word 'of (?:its|their|his|her|our|your|my|one.s) own')" 'its own X, a separate X'
  "$(word 'who(?:m)?ever')"                               'the caller, the instance, the client'
  "$(word 'whom|nobody|somebody')"                        'name the subject'
  "$(word 'go(?:es)? by')"                                'uses, follows'
  "$(word '(?:is|are|was|were|be) no (?!longer|more than|less than|later than|earlier than|greater than)')" 'is not a'
  "$(word 'learnt')"                                      'learned, or name the event'
  "$(word 'thereof|therein|thereby|hitherto')"            'of it, in it, so, until now'
  "$(word 'impos(?:e|es|ed|ing)')"                        'apply an override'
  "$(word 'adopt(?:s|ed|ing)?')"                          'resume from, take over'
  "$(word 'alone')"                                       'on its own breaker, only, by itself'
  "$(word 'roster')"                                      'list'
  "$(word 'bells?')"                                      'notifier'
  "$(word 'desks?')"                                      'player, requests'
  "$(word 'orders')"                                      'overrides, requests'
  "$(word 'stor(?:y|ies)')"                               'explanation, scenario, report'
  "$(word 'books')"                                       'ledger, records'
  "$(word '(?:a|an|one|each|the|this|that|every|another|next|first|later|older|newer|present) stays?')" 'generation, period'
)

words() {
  local faults=0 i found
  for ((i = 0; i < ${#banned[@]}; i += 2)); do
    found=$(git ls-files | grep -vE '\.png$|^LICENSE$|^scripts/dev/lint\.sh$' | xargs grep -HnPi -- "${banned[i]}" || true)
    [ -n "$found" ] || continue
    printf '%s\n    instead: %s\n' "$found" "${banned[i + 1]}" >&2
    faults=$((faults + $(wc -l <<<"$found")))
  done
  [ "$faults" -eq 0 ] || { echo "$faults lines with banned words" >&2; return 1; }
}

format() { git ls-files '*.cpp' '*.hpp' | xargs clang-format --dry-run --Werror; }

scripts() { git ls-files '*.sh' .ci/run | xargs shellcheck -x; }

headers() {
  cmake --preset lint >/dev/null
  cmake --build build/lint --target headers_test
}

# A room is a folder of the top level, or of load_generator. Most of clang-tidy's time goes into the headers that a
# translation unit includes, so a room is one. Makes build/lint/rooms/compile_commands.json; prints ROOM FILE for each file.
rooms() {
  mkdir -p build/lint/rooms
  jq --arg root "$root/" '
    [.[] | select((.command | test("(_test|_benchmark|instance_behaviour|test_main)[.]dir/|/benchmark/") | not)
                  or (.file | startswith($root + "examples/")))
         | .room = (.file | ltrimstr($root) | capture("^(?<room>load_generator/[^/]+(?=/)|[^/]+)").room | gsub("/"; "."))]
    | group_by(.room)' build/lint/compile_commands.json >build/lint/rooms/rooms.json
  jq --arg rooms "$root/build/lint/rooms" '
    map({directory: $rooms, file: "\(.[0].room).cpp", command: ("clang++ -std=c++20 " +
      (map([.command | match("-[DI][^ ]+|-isystem [^ ]+"; "g").string]) | add | unique | join(" ")) +
      " -c \(.[0].room).cpp")})' build/lint/rooms/rooms.json >build/lint/rooms/compile_commands.json
  jq --raw-output 'flatten[] | "\(.room) \(.file)"' build/lint/rooms/rooms.json
}

tidy() {
  local room file
  cmake --preset lint >/dev/null
  cmake --build build/lint --target embedded_files >/dev/null
  rm -rf build/lint/rooms
  rooms | while read -r room file; do echo "#include \"$file\"" >>"build/lint/rooms/$room.cpp"; done
  printf '%s\n' build/lint/rooms/*.cpp |
    xargs -P "$(nproc)" -n 1 clang-tidy -p build/lint/rooms --config-file=.clang-tidy --quiet 2>/dev/null
}

[ $# -gt 0 ] || set -- words format scripts
for what in "$@"; do
  case "$what" in
    words | format | scripts | headers | tidy) "$what" ;;
    *) echo "lint.sh: '$what' is not a check (--help lists them)" >&2; exit 2 ;;
  esac
done
