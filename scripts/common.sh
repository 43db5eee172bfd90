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

# Becomes instance A, B or C of a stage: BINARY, LETTER, and further options.
run_instance() {
  local binary=$1 letter=${2:-} port
  case "$letter" in
    A) port=8001 ;;
    B) port=8002 ;;
    C) port=8003 ;;
    *)
      echo "which instance: A, B or C? (not '$letter')" >&2
      exit 2
      ;;
  esac
  shift 2
  need_build "$binary"
  case " $* " in *" --port"*) ;; *) set -- --port "$port" "$@" ;; esac
  exec "$bin/$binary" --name "Instance-$letter" "$@"
}
