# shellcheck shell=bash
# Functions that the scripts share. They source this file; do not run it.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
readonly root
readonly bin="$root/build/bin"

# Prints the comment at the top of the script for --help.
help_if_asked() {
  case "${1:-}" in
    --help | -h)
      sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"
      exit 0
      ;;
  esac
}

# Prints the lines from a README's marker to `<!-- end -->`, without the fence.
block_after() {  # MARKER README
  awk -v marker="$1" '$0 == marker {on = 1; next} /^<!-- end -->/ {on = 0} on && !/^```/' "$2"
}

# Runs a command that ends when this script ends, even if a signal reaches only this script. The command leads a process
# group, which gets SIGTERM on Ctrl-C, SIGTERM and SIGHUP; after a kill -9 of this script the kernel ends the command.
attended() {
  local code=0
  trap 'end_attended 130' INT
  trap 'end_attended 143' TERM
  trap 'end_attended 129' HUP
  # In a script a background command ignores Ctrl-C unless it gets the default action back.
  setsid env --default-signal=INT,QUIT setpriv --pdeathsig TERM "$@" &
  attended_pid=$!
  wait "$attended_pid" || code=$?
  trap - INT TERM HUP
  return "$code"
}

end_attended() {  # EXIT_CODE
  trap '' INT TERM HUP
  kill -TERM -- "-$attended_pid" 2>/dev/null || kill -TERM "$attended_pid" 2>/dev/null || true
  wait "$attended_pid" 2>/dev/null || true
  exit "$1"
}

# Copies ninja's output to a file, and prints a line for every tenth of the steps.
show_progress() {  # LOG
  local line tenths shown=0
  while IFS= read -r line; do
    printf '%s\n' "$line" >>"$1"
    [[ "$line" =~ ^\[([0-9]+)/([0-9]+)\] ]] || continue
    [ "${BASH_REMATCH[2]}" -ge 10 ] || continue
    tenths=$((10 * BASH_REMATCH[1] / BASH_REMATCH[2]))
    [ "$tenths" -gt "$shown" ] || continue
    shown=$tenths
    echo "  $((10 * tenths)) % of ${BASH_REMATCH[2]} steps"
  done
}

run_ninja() {  # FOLDER LOG TARGET...
  local folder=$1 log=$2 progress follower code=0
  shift 2
  if [ -t 1 ]; then
    attended ninja -C "$folder" "$@"  # it draws its own progress, on one line
    return
  fi
  echo "building $* in ${folder#"$root"/} (some minutes the first time)"
  exec {progress}> >(show_progress "$log")
  follower=$!
  attended ninja -C "$folder" "$@" >&"$progress" 2>&1 || code=$?
  exec {progress}>&-
  wait "$follower" || true
  [ "$code" -eq 0 ] || cat "$log" >&2
  return "$code"
}

# Installs missing packages, configures a preset and builds targets of it. Builds in one folder run one after the other,
# as a learner may start several launchers at once. Exits where anything fails.
build() {  # PRESET TARGET...
  local preset=$1 folder=$root/build log lock
  shift
  [ "$preset" = release ] || folder=$root/build/$preset
  mkdir -p "$folder"
  log=$folder/build.log
  exec {lock}>"$folder/build.lock"
  if ! flock --nonblock "$lock"; then
    echo "waiting for another build in ${folder#"$root"/}"
    flock "$lock"
  fi
  case "$preset $*" in
    asan* | clang* | tsan*) "$root/scripts/dev/setup.sh" --develop ;;
    *all* | *test* | *benchmark*) "$root/scripts/dev/setup.sh" --test ;;
    *) "$root/scripts/dev/setup.sh" ;;
  esac
  if ! attended cmake -S "$root" --preset "$preset" ${WARNINGS_AS_ERRORS:+-DWARNINGS_AS_ERRORS="$WARNINGS_AS_ERRORS"} \
    >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
  fi
  run_ninja "$folder" "$log" "$@" || exit 1
  exec {lock}>&-
}

# Builds the programs that are missing; prints nothing where there are none.
need_build() {  # NAME...
  local name missing=()
  for name; do [ -x "$bin/$name" ] || missing+=("$name"); done
  [ ${#missing[@]} -eq 0 ] || build release "${missing[@]}"
}

# Replaces this script by instance A, B or C of a stage.
run_instance() {  # PROGRAM LETTER [OPTIONS of the program]
  local program=$1 letter=${2:-} port
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
  need_build "$program"
  case " $* " in *" --port"*) ;; *) set -- --port "$port" "$@" ;; esac
  exec "$bin/$program" --name "Instance-$letter" "$@"
}

# Ends the script if a server of this user cannot have that port.
require_port() {  # SCRIPT NAME PORT HIGHEST
  if [[ "$3" =~ ^[1-9][0-9]{3,4}$ ]] && [ "$3" -ge 1024 ] && [ "$3" -le "$4" ]; then return; fi
  echo "$1: the $2 is '$3'; it must be 1024 to $4" >&2
  exit 2
}

# The rest is for launchers that start several Redis servers: all servers, and $folder, end with the script.

# Checks that the ports are usable and free. BUS is how far above them the servers use further ports, or 0.
several_servers() {  # SCRIPT FIRST_PORT COUNT BUS
  local name=$1 first=$2 count=$3 bus=$4 port
  require_port "$name" "first port" "$first" $((65536 - count - bus))
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
  exec 2>/dev/null  # bash would report that they were killed
  [ ${#servers[@]} -eq 0 ] || kill -KILL "${servers[@]}" || true
  wait
  rm -rf "$folder"
}

# Starts a redis-server in the background; it ends with this script.
start_server() {  # PORT ARGUMENTS of redis-server
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
