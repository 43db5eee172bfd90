#!/usr/bin/env bash
# Usage: scripts/dev/picture.sh [FILE]
#
# Plays the scenario outage-10 against each stage, and takes the main README's picture: the poster that the report begins
# with, a PNG of 1280 x 850 points. FILE is load_generator/report/report.png by default. Builds the programs only where they
# are missing. Needs a browser, and installs it if it is missing.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
help_if_asked "$@"

picture=${1:-$root/load_generator/report/report.png}
"$root/scripts/dev/setup.sh" --test
need_build simple_breaker distributed_breaker redis_breaker unreliable_service load_generator
work=$(mktemp -d)
browser=
trap 'trap "" INT TERM HUP; [ -z "$browser" ] || kill "$browser" 2>/dev/null || true; wait; rm -rf "$work" || true' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

for stage in simple distributed redis; do
  if ! "$bin/load_generator" scenario outage-10 --stage "$stage" --out "$work/$stage.json" >"$work/log" 2>&1; then
    cat "$work/log" >&2
    echo "picture.sh: outage-10, $stage: the run failed, so there is nothing to show" >&2
    exit 1
  fi
done
"$bin/load_generator" compare "$work"/{simple,distributed,redis}.json --html "$work/report.html" >/dev/null

# Everything that the browser writes goes to a folder that is removed, and it opens no network connections.
export HOME=$work TMPDIR=$work XDG_CONFIG_HOME=$work XDG_CACHE_HOME=$work
options=(--disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run
         --hide-scrollbars --user-data-dir="$work/profile" "--window-size=1280,850")
[ "$(id -u)" -ne 0 ] || options+=(--no-sandbox)  # chromium's sandbox refuses to work for root
timeout --kill-after=5 60 chromium-headless-shell "${options[@]}" --screenshot="$work/report.png" \
  "file://$work/report.html#poster" >"$work/log" 2>&1 &
browser=$!
if ! wait "$browser" || [ ! -s "$work/report.png" ]; then
  tail -n 5 "$work/log" >&2
  echo "picture.sh: chromium took no picture" >&2
  exit 1
fi
browser=
mkdir -p "$(dirname "$picture")"
cp "$work/report.png" "$picture"
echo "the picture: $picture, $(($(stat --format=%s "$picture") / 1024)) KiB"
