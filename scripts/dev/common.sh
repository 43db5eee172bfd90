# shellcheck shell=bash
# What the launchers share; sourced, not run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
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
  if [ ! -x "$bin/$1" ]; then "$root/scripts/dev/build.sh" release programs; fi
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

# What launchers of several Redis servers share: all of them, and $folder, end with the script.
several_servers() {  # NAME FIRST_PORT COUNT BUS: refuses what is no such row of ports, or taken
  local name=$1 first=$2 count=$3 bus=$4 port
  if ! [[ "$first" =~ ^[0-9]{1,5}$ ]] || [ "$first" -lt 1024 ] || [ $((first + count - 1 + bus)) -gt 65535 ]; then
    echo "$name: the first port is '$first'; it must be 1024 to $((65536 - count - bus))" >&2
    exit 2
  fi
  "$root/scripts/dev/setup.sh"
  for ((port = first; port < first + count; ++port)); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "$name: something already uses 127.0.0.1:$port; stop it, or give another first port ($name --help)" >&2
      exit 1
    fi
  done
  folder=$(mktemp -d)
  declare -gA servers=()
  trap stop_servers EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}

stop_servers() {
  trap '' INT TERM HUP
  exec 2>/dev/null  # that they were killed is no news
  [ ${#servers[@]} -eq 0 ] || kill -KILL "${servers[@]}" || true
  wait
  rm -rf "$folder"
}

start_server() {  # PORT ARGUMENTS of redis-server: in the background, and not beyond this script's end
  local port=$1 tries
  shift
  setpriv --pdeathsig KILL redis-server "$@" >"$folder/$port.log" 2>&1 &
  servers[$port]=$!
  for ((tries = 500; tries > 0; --tries)); do
    if [ "$(redis-cli -p "$port" ping 2>/dev/null)" = PONG ]; then return; fi
    kill -0 "${servers[$port]}" 2>/dev/null || break
    sleep 0.02
  done
  echo "the redis-server on port $port does not start:" >&2
  tail -n 5 "$folder/$port.log" >&2
  exit 1
}
