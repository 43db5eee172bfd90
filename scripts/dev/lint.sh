#!/usr/bin/env bash
# Usage: scripts/dev/lint.sh [words|format|scripts|headers|tidy|analyzer ...]
#
# Checks the sources without running them. Without an argument: words, format and scripts.
#   words    banned words in comments, READMEs, help texts, messages and names: each has a plainer substitute
#   format   clang-format
#   scripts  shellcheck
#   headers  each public header compiles by itself
#   tidy     clang-tidy on what is neither a test nor a benchmark: some minutes. It reads a room as one file, so names that
#            are private to a file must differ within it. Clang's analyzer would skip what such a file includes, so:
#   analyzer Clang's analyzer, on each file by itself: half an hour
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

# Prints ROOM, FILE and its FLAGS for each file that is neither a test nor a benchmark. A room is a folder of the top
# level, or of load_generator.
linted() {
  cmake --preset lint >/dev/null
  cmake --build build/lint --target embedded_files >/dev/null
  jq --raw-output --arg root "$root/" '.[]
    | select((.command | test("(_test|_benchmark|instance_behaviour|test_main)[.]dir/|/benchmark/") | not)
             or (.file | startswith($root + "examples/")))
    | [(.file | ltrimstr($root) | capture("^(?<room>load_generator/[^/]+(?=/)|[^/]+)").room), .file,
       ([.command | match("-([DI]|isystem )[^ ]+"; "g").string | sub(" "; "") | gsub("\\\\"; "")] | join(" "))]
    | @tsv' build/lint/compile_commands.json
}

# Runs clang-tidy with OPTIONS on each file that is named, separated by zeros, on the standard input.
run_tidy() { xargs -0 -P "$(nproc)" -n 1 clang-tidy --config-file=.clang-tidy --quiet "$@" 2>/dev/null; }

# Most of the time goes into the headers that a translation unit includes, so a room is one.
tidy() {
  local room file flags rooms=build/lint/rooms
  rm -rf "$rooms"
  linted | while IFS=$'\t' read -r room file flags; do
    mkdir -p "$rooms/$room"
    echo "#include \"$file\"" >>"$rooms/$room/room.cpp"
    tr ' ' '\n' <<<"-std=c++20 $flags" >>"$rooms/$room/compile_flags.txt"
  done
  find "$rooms" -name room.cpp -print0 | run_tidy --checks=-clang-analyzer-*
}

analyzer() { linted | cut -f 2 | tr '\n' '\0' | run_tidy -p build/lint --checks=-*,clang-analyzer-*; }

[ $# -gt 0 ] || set -- words format scripts
for what in "$@"; do
  case "$what" in
    words | format | scripts | headers | tidy | analyzer) "$what" ;;
    *) echo "lint.sh: '$what' is not a check (--help lists them)" >&2; exit 2 ;;
  esac
done
