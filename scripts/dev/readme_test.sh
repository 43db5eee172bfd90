#!/usr/bin/env bash
# Usage: scripts/dev/readme_test.sh
#
# Checks the READMEs: links lead somewhere, each command in a console block exists with its options and scenarios, a block
# marked `<!-- output: COMMAND -->` is what the command prints today, and one marked `<!-- source: FILE -->` is part of
# that file. The main README's tables have every option of an instance.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
help_if_asked "$@"
cd "$root"

faults=0
fault() {
  echo "FAILED: $1" >&2
  faults=$((faults + 1))
}

# Leaves out fenced blocks: brackets in code are not links.
prose_of() {  # README
  awk '/^```/ {fenced = !fenced} !fenced' "$1"
}

# Prints the headings as links name them.
anchors_in() {  # FILE
  prose_of "$1" | sed -n 's/^##* //p' | tr '[:upper:] ' '[:lower:]-' | tr -cd 'a-z0-9_\n-'
}

check_links() {  # README
  local link file
  while read -r link; do
    file=$(dirname "$1")/${link%%#*}
    [[ "$link" != '#'* ]] || file=$1
    [ -e "$file" ] || fault "$1: the link $link leads nowhere"
    [[ "$link" != *'#'* ]] || grep -qx -- "${link#*#}" <<<"$(anchors_in "$file")" || fault "$1: $link: the heading does not exist"
  done < <(prose_of "$1" | grep -o '](\([^):]*\))' | sed 's/^](//; s/)$//')
}

# Prints the program that takes the launcher's options.
program_of() {
  case "$1" in
    ./scripts/run_simple.sh) echo simple_breaker ;;
    ./scripts/run_upstream.sh) echo unreliable_service ;;
    ./scripts/run_distributed.sh) echo distributed_breaker ;;
    ./scripts/run_redis.sh) echo redis_breaker ;;
    ./scripts/run_store.sh) echo store_breaker ;;
    ./scripts/run_load.sh) echo load_generator ;;
  esac
}

check_command() {  # README, and the words of a command
  local readme=$1 command=$2 word program subcommand=()
  shift 2
  case "$command" in
    ./scripts/*) ;;
    curl | redis-cli | promtool) return ;;
    *) fault "$readme: what is $command?"; return ;;
  esac
  [ -x "$command" ] || { fault "$readme: $command does not exist"; return; }
  program=$(program_of "$command")
  if [[ -n "$program" && $# -gt 0 && "$1" != -* ]]; then subcommand=("$1"); fi
  for word in "$@"; do
    if [[ "$command" == */compare.sh && "$word" != -* && "$word" != all ]]; then
      [ -e "load_generator/scenarios/$word.json" ] || fault "$readme: the scenario $word does not exist"
    elif [[ "$word" == --* && -n "$program" ]]; then
      grep -q -- "$word\b" <<<"$("$bin/$program" "${subcommand[@]}" --help)" || fault "$readme: $program has no option $word"
    elif [[ "$word" == --* ]]; then
      grep -q -- "$word" <<<"$("$command" --help)" || fault "$readme: $command has no option $word"
    fi
  done
}

check_outputs() {  # README
  local marker command shown printed
  while read -r marker; do
    command=${marker#<!-- output: }
    command=${command% -->}
    shown=$(block_after "$marker" "$1")
    printed=$(eval "$command")
    diff <(echo "$shown") <(echo "$printed") >&2 || fault "$1: '$command' prints something else today"
  done < <(grep '^<!-- output: ' "$1" || true)
}

check_sources() {  # README
  local marker file shown
  while read -r marker; do
    file=${marker#<!-- source: }
    file=${file% -->}
    shown=$(block_after "$marker" "$1")
    [[ -n "$shown" && $'\n'$(<"$file")$'\n' == *$'\n'"$shown"$'\n'* ]] ||
      fault "$1: $file does not contain the lines that it shows"
  done < <(grep '^<!-- source: ' "$1" || true)
}

# Each option is in a table, as a setting or as on the command line. The last group of --help, Other, is the same for all.
check_options() {
  local name
  while read -r name; do
    grep -q -e "^| .*\`--$name\`" -e "^| \`${name//-/_}\`" README.md || fault "README.md: no table has --$name"
  done < <("$bin/redis_breaker" --help | sed -n '/^Other:/q; s/^  --\([a-z-]*\).*/\1/p')
}

while read -r readme; do
  check_links "$readme"
  while read -r -a words; do check_command "$readme" "${words[@]}"; done < <(sed -n 's/^\$ //p' "$readme")
  check_outputs "$readme"
  check_sources "$readme"
done < <(git ls-files '*README.md')
check_options

[ "$faults" -eq 0 ] || exit 1
echo "the READMEs hold"
