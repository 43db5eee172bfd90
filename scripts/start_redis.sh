#!/usr/bin/env bash
# Usage: scripts/start_redis.sh
#
# Says so where a Redis already answers on 127.0.0.1:6379, and leaves it alone. Otherwise starts one there, in this
# terminal and without persistence, until Ctrl-C.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/dev/common.sh"
help_if_asked "$@"

"$root/scripts/dev/setup.sh"
answer=$(redis-cli -h 127.0.0.1 -p 6379 ping 2>&1 || true)
case "$answer" in
  PONG*)
    echo "a Redis already answers on 127.0.0.1:6379; the lab uses it (its keys start with cb:)"
    exit 0
    ;;
  *NOAUTH*)
    echo "the Redis on 127.0.0.1:6379 wants a password: REDIS_URL=redis://:PASSWORD@127.0.0.1:6379/0 scripts/run_redis.sh A" >&2
    exit 1
    ;;
  *refused*) ;;
  *)
    echo "something other than Redis uses 127.0.0.1:6379; it said: $answer" >&2
    exit 1
    ;;
esac
echo "Redis on 127.0.0.1:6379; Ctrl-C stops it and empties it"
echo "(should it warn about memory overcommit: that does no harm here)"
exec redis-server --bind 127.0.0.1 --port 6379 --save "" --appendonly no --dir / --loglevel warning
