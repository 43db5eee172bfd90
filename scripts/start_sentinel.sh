#!/usr/bin/env bash
# Usage: scripts/start_sentinel.sh [FIRST_PORT]
#
# Starts a Redis master, its replica, and three Sentinels, which promote the replica when the master dies: five servers
# on 127.0.0.1, on FIRST_PORT (by default 6381) and the four ports after it. They run in this terminal, without
# persistence, until Ctrl-C. Prints commands to try, and what the Sentinels report.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/dev/common.sh"
help_if_asked "$@"

first=${1:-6381}
several_servers start_sentinel.sh "$first" 5 0
master=$first replica=$((first + 1)) sentinels=($((first + 2)) $((first + 3)) $((first + 4)))

# Sentinels that know each other from the start need not discover each other, which takes seconds.
identity_of() { printf '%040d' "$1"; }

configure() {  # SENTINEL
  local other
  cat <<END
port $1
bind 127.0.0.1
dir $folder
sentinel myid $(identity_of "$1")
sentinel monitor mymaster 127.0.0.1 $master 2
sentinel down-after-milliseconds mymaster 1000
sentinel failover-timeout mymaster 5000
sentinel known-replica mymaster 127.0.0.1 $replica
END
  for other in "${sentinels[@]}"; do
    if [ "$other" != "$1" ]; then echo "sentinel known-sentinel mymaster 127.0.0.1 $other $(identity_of "$other")"; fi
  done
}

options=(--bind 127.0.0.1 --save '' --appendonly no --dir "$folder" --repl-diskless-sync-delay 0)
start_server "$master" --port "$master" "${options[@]}"
start_server "$replica" --port "$replica" "${options[@]}" --replicaof 127.0.0.1 "$master"
until redis-cli -p "$replica" info replication | grep -q master_link_status:up; do sleep 0.02; done
for port in "${sentinels[@]}"; do
  configure "$port" >"$folder/$port.conf"
  start_server "$port" "$folder/$port.conf" --sentinel
done

cat <<END
a master on 127.0.0.1:$master, its replica on $replica, Sentinels on ${sentinels[*]}; Ctrl-C stops and empties them
In another terminal, an instance that asks the Sentinels where the master is:
  ./scripts/run_redis.sh A --redis redis+sentinel://127.0.0.1:${sentinels[0]},127.0.0.1:${sentinels[1]},127.0.0.1:${sentinels[2]}/mymaster
In a third one, a planned failover, in which master and replica change places:
  redis-cli -p ${sentinels[0]} SENTINEL FAILOVER mymaster
Then the new master dies, and the Sentinels promote the old one within ten seconds:
  kill -9 ${servers[$replica]}
END
tail --pid=$$ -n 0 -f "$folder/${sentinels[0]}.log" 2>/dev/null \
  > >(grep --line-buffered -oE '[+-](sdown|odown|switch-master) (master )?mymaster.*') &
servers[report]=$!
wait 2>/dev/null
