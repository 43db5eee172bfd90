#!/usr/bin/env bash
# Usage: scripts/dev/dynalite.sh [PORT]
#
# Runs dynalite, which answers like DynamoDB, on a port of 127.0.0.1 (default: a free one) until it is stopped; it keeps
# its tables in memory. It does not check signatures, so any credentials work. npm installs it into build/ where it is
# missing. Prints "dynalite: listening on URL" once it accepts connections.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
help_if_asked "$@"

package=$root/store_breaker/dynamodb
installed=$root/build/dynalite
[[ "${1:-0}" =~ ^[0-9]+$ ]] || { echo "dynalite.sh: '$1' is not a port" >&2; exit 2; }

install_dynalite() {
  cmp --quiet "$package/package-lock.json" "$installed/installed.json" && return
  command -v npm >/dev/null || { echo "dynalite.sh: npm is missing; scripts/dev/setup.sh --test installs it" >&2; exit 1; }
  cp "$package"/{.npmrc,package.json,package-lock.json} "$installed"
  npm --prefix "$installed" ci --omit=optional >"$installed/npm.log" 2>&1 || { cat "$installed/npm.log" >&2; exit 1; }
  cp "$package/package-lock.json" "$installed/installed.json"
}

mkdir -p "$installed"
(flock 9 && install_dynalite) 9>"$installed/lock"  # tests may start several at once
NODE_PATH=$installed/node_modules exec node "$package/dynalite.js" "${1:-0}"
