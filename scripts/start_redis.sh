#!/usr/bin/env bash
# Usage: scripts/start_redis.sh [PORT]
#
# Starts a Redis on 127.0.0.1, on PORT (by default 6379), in this terminal and without persistence, until Ctrl-C. Where a
# Redis already answers there, it leaves that one running and prints how the lab can use it, or another one.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/dev/common.sh"
help_if_asked "$@"

port=${1:-6379}
require_port start_redis.sh port "$port" 65535
"$root/scripts/dev/setup.sh"

how_to_use() {  # PORT, which is not the one that redis-cli and run_redis.sh use by default
  cat <<END
In each terminal that runs an instance or reset.sh, first:
  export REDIS_URL=redis://127.0.0.1:$1/0
or name it to one instance:
  ./scripts/run_redis.sh A --redis redis://127.0.0.1:$1/0
And redis-cli needs the port:
  redis-cli -p $1 GET cb:unreliable_service:state
END
}

answer=$(redis-cli -h 127.0.0.1 -p "$port" ping 2>&1 || true)
case "$answer" in
  PONG*)
    echo "a Redis already answers on 127.0.0.1:$port; the lab can use it (its keys start with cb:)"
    if [ "$port" = 6379 ] && systemctl is-active --quiet redis-server 2>/dev/null; then
      echo "It is the system's service redis-server: Ctrl-C does not stop it, 'systemctl stop redis-server' as root does."
    else
      echo "Ctrl-C stops it where it was started, not here."
    fi
    echo "Or leave it running, and start another one that Ctrl-C stops:"
    echo "  ./scripts/start_redis.sh $((port + 1))"
    how_to_use $((port + 1))
    exit 0
    ;;
  *NOAUTH*)
    echo "the Redis on 127.0.0.1:$port wants a password: ./scripts/run_redis.sh reads it from the environment variable" >&2
    echo "REDIS_URL, as in redis://:PASSWORD@127.0.0.1:$port/0; or start one without: ./scripts/start_redis.sh $((port + 1))" >&2
    exit 1
    ;;
  *refused*) ;;
  *)
    echo "something other than Redis uses 127.0.0.1:$port; it answered: $answer" >&2
    exit 1
    ;;
esac
echo "Redis on 127.0.0.1:$port; Ctrl-C stops it and empties it"
[ "$port" = 6379 ] || how_to_use "$port"
echo "(a warning about memory overcommit does no harm here)"
exec redis-server --bind 127.0.0.1 --port "$port" --save "" --appendonly no --dir / --loglevel warning
