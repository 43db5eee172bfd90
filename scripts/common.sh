# shellcheck shell=bash
# What the launchers share; sourced, not run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root
readonly bin="$root/build/bin"

# A launcher's --help: the comment at the top of its file.
help_if_asked() {
  case "${1:-}" in
    --help | -h)
      sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"
      exit 0
      ;;
  esac
}

# Builds what is missing; quiet where all is there.
need_build() {
  if [ ! -x "$bin/$1" ]; then "$root/scripts/build.sh" release programs; fi
}

# The port of instance A, B or C.
port_of() {
  case "$1" in
    A) echo 8001 ;;
    B) echo 8002 ;;
    C) echo 8003 ;;
    *)
      echo "which instance: A, B or C? (not '$1')" >&2
      return 2
      ;;
  esac
}
