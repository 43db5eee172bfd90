#!/usr/bin/env bash
# Installs what the lab needs and the machine lacks, from the distribution's own packages.
set -euo pipefail

build=(g++ cmake ninja-build pkg-config libcli11-dev libcpp-httplib-dev libcurl4-openssl-dev libfmt-dev libhiredis-dev
       libjs-dygraphs libspdlog-dev libssl-dev nlohmann-json3-dev prometheus-cpp-dev)
run=(redis-server redis-tools procps curl jq tmux)
test=(doctest-dev libbenchmark-dev openssl prometheus)
browser=(chromium nodejs)
command -v npm >/dev/null || browser+=(npm)  # nodejs from elsewhere than Debian often has it
develop=(clang clang-format clang-tidy libclang-rt-dev shellcheck)

usage() {
  cat <<END
Usage: scripts/dev/setup.sh [--test|--develop]

Installs what is missing, as root or with sudo; without either it prints the command and stops with exit code 1.
Where nothing is missing it does nothing and says nothing.

  --test      also the browser that the tests look at pages with: ${browser[*]}
  --develop   also that, and what the lab's own checks need: ${develop[*]}

On Debian the package redis-server also starts a Redis on 127.0.0.1:6379. The lab does not need it: its tests and
comparisons start private ones. Likewise prometheus starts a server on port 9090 of all addresses, where systemd runs;
the lab's tests want only its promtool, and \`systemctl disable --now prometheus\` stops the rest.
END
}

wanted=("${build[@]}" "${run[@]}" "${test[@]}")
case "${1:-}" in
  "") ;;
  --test) wanted+=("${browser[@]}") ;;
  --develop) wanted+=("${browser[@]}" "${develop[@]}") ;;
  --help | -h) usage; exit 0 ;;
  *) echo "setup.sh: no such option: $1 (--help lists them)" >&2; exit 2 ;;
esac

if ! command -v apt-get >/dev/null; then
  echo "setup.sh: this script knows Debian and its kin only; install what provides: ${wanted[*]}" >&2
  exit 1
fi

missing=()
for package in "${wanted[@]}"; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

install="apt-get update && apt-get install --yes --no-install-recommends ${missing[*]}"
echo "setup: installing ${missing[*]}"
if [ "$(id -u)" -eq 0 ]; then
  as_root=(sh -c)
elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
  as_root=(sudo sh -c)
else
  echo "setup.sh: packages are missing, and this is neither root nor a user who may use sudo. Run as root:" >&2
  echo "  $install" >&2
  exit 1
fi
if ! output=$(DEBIAN_FRONTEND=noninteractive "${as_root[@]}" "$install" 2>&1); then
  printf '%s\n' "$output" | tail -n 20 >&2
  echo "setup.sh: that failed; the command was: $install" >&2
  exit 1
fi
