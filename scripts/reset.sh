#!/usr/bin/env bash
# Usage: scripts/reset.sh [NAME]
#
# Makes a breaker forget everything, overrides too, by deleting its own keys in Redis (cb:NAME:*; by default NAME is
# unreliable_service, and a tenant's breaker is unreliable_service/TENANT). REDIS_URL names another Redis than
# 127.0.0.1:6379. Nothing else in there is touched. Behind Sentinels, in a cluster or over TLS: breaker.sh reset.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
help_if_asked "$@"

name=${1:-unreliable_service}
if ! [[ "$name" =~ ^[A-Za-z0-9_./-]{1,256}$ ]]; then
  echo "reset.sh: the name is '$name'; use 1 to 256 of A-Z a-z 0-9 _ - . /" >&2
  exit 2
fi
"$root/scripts/dev/setup.sh"
keys=()
for part in state failures last_failure breaker probes window reporters; do keys+=("cb:$name:$part"); done

url=${REDIS_URL:-redis://127.0.0.1:6379/0}
if ! [[ "$url" =~ ^(redis|unix):// ]]; then
  echo "reset.sh: REDIS_URL is no redis:// or unix://; scripts/breaker.sh reset has an instance do it, wherever it is" >&2
  exit 2
fi

# A password belongs into the environment of redis-cli, not on its command line, where everybody could read it.
if [[ "$url" =~ ^redis://([^:@/]*):([^@/]*)@(.*)$ ]]; then
  export REDISCLI_AUTH=${BASH_REMATCH[2]}
  user=${BASH_REMATCH[1]}
  url=redis://${BASH_REMATCH[3]}
fi
if [[ "$url" == unix://* ]]; then where=(-s "${url#unix://}"); else where=(-u "$url"); fi
[ -z "${user:-}" ] || where+=(--user "$user")
if ! deleted=$(redis-cli "${where[@]}" --no-raw DEL "${keys[@]}" 2>&1) || [[ "$deleted" != "(integer)"* ]]; then
  echo "reset.sh: $url: $deleted" >&2
  exit 1
fi
echo "cb:$name: is reset (${deleted#(integer) } of its ${#keys[@]} keys were there)"
