#!/usr/bin/env bash
# Usage: scripts/start_cluster.sh [FIRST_PORT]
#
# Starts a Redis Cluster of three masters on 127.0.0.1, on FIRST_PORT (by default 7001) and the two ports after it; they
# talk to one another on the ports 10000 above. They run in this terminal, without persistence, until Ctrl-C. Prints
# commands to try.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/dev/common.sh"
help_if_asked "$@"

first=${1:-7001}
several_servers start_cluster.sh "$first" 3 10000
nodes=() hosts=''
for port in $first $((first + 1)) $((first + 2)); do
  nodes+=("127.0.0.1:$port")
  hosts+=${hosts:+,}127.0.0.1:$port
  mkdir "$folder/$port"
  start_server "$port" --port "$port" --bind 127.0.0.1 --save '' --appendonly no --dir "$folder/$port" \
    --cluster-enabled yes --cluster-node-timeout 3000
done
if ! redis-cli --cluster create "${nodes[@]}" --cluster-yes >"$folder/create" 2>&1; then
  echo "start_cluster.sh: redis-cli --cluster create failed:" >&2
  tail -n 5 "$folder/create" >&2
  exit 1
fi
for port in "${!servers[@]}"; do
  until redis-cli -p "$port" cluster info | grep -q cluster_state:ok; do sleep 0.02; done
done

cat <<END
a cluster of three masters on ${nodes[*]}; Ctrl-C stops and empties it
In another terminal, an instance that uses it:
  ./scripts/run_redis.sh A --redis redis+cluster://$hosts
In a third one, its breaker's state:
  redis-cli -c -p $first GET cb:{unreliable_service}:state
END
wait 2>/dev/null
