#!/usr/bin/env bash
# Installs the packages that the lab needs and that are missing, from the distribution.
set -euo pipefail

build=(g++ cmake ninja-build pkg-config libcli11-dev libcpp-httplib-dev libcurl4-openssl-dev libfmt-dev libhiredis-dev
       libluajit-5.1-dev libpq-dev libspdlog-dev libssl-dev nlohmann-json3-dev prometheus-cpp-dev)
run=(redis-server redis-tools curl jq tmux)
test=(doctest-dev libasio-dev libbenchmark-dev libmongoc-dev libsqlite3-dev openssl postgresql procps prometheus
      chromium-headless-shell chromium-sandbox nodejs spin)
command -v npm >/dev/null || test+=(npm)  # nodejs from elsewhere than Debian often has it
peers=(haproxy nginx-light)
develop=(clang clang-format clang-tidy doxygen libclang-rt-dev lld shellcheck)

usage() {
  cat <<END
Usage: scripts/dev/setup.sh [--test|--develop|--peers]

Installs missing packages, as root or with sudo; without either it prints the command and exits with 1. Before it installs
anything it prints how many packages and how many megabytes apt-get will add. Prints nothing where nothing is missing.

  always      ${build[*]}
              ${run[*]}
  --test      also what the tests need: ${test[*]}
              (libmongoc-dev also lets the programs use mongodb://; everything else works without it)
  --develop   also that, and what the linters and sanitizers need: ${develop[*]}
  --peers     only what the lab is compared with: ${peers[*]}

On Debian, with systemd, some packages start a service: redis-server on 127.0.0.1:6379, postgresql on 127.0.0.1:5432,
prometheus on port 9090 of all addresses, and nginx-light on port 80 of all addresses. The lab needs none of these services:
its tests and comparisons start private servers, and use only promtool of prometheus. To stop them: systemctl disable --now
redis-server postgresql prometheus nginx
END
}

wanted=("${build[@]}" "${run[@]}")
case "${1:-}" in
  "") ;;
  --test) wanted+=("${test[@]}") ;;
  --develop) wanted+=("${test[@]}" "${develop[@]}") ;;
  --peers) wanted=("${peers[@]}") ;;
  --help | -h) usage; exit 0 ;;
  *) echo "setup.sh: $1 is not an option (--help lists them)" >&2; exit 2 ;;
esac

if ! command -v apt-get >/dev/null; then
  echo "setup.sh: this script needs apt-get (Debian and its relatives); elsewhere install what corresponds to: ${wanted[*]}" >&2
  exit 1
fi

missing=()
for package in "${wanted[@]}"; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

options="--no-install-recommends ${missing[*]}"
install="DEBIAN_FRONTEND=noninteractive apt-get install --yes $options"
if [ "$(id -u)" -eq 0 ]; then
  as_root=(sh -c)
elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
  as_root=(sudo sh -c)
else
  echo "setup.sh: packages are missing, and this user is neither root nor allowed to use sudo. Run as root:" >&2
  echo "  apt-get update && $install" >&2
  exit 1
fi

run_as_root() {  # COMMAND: prints the output only where it fails
  local output
  if ! output=$("${as_root[@]}" "$1" 2>&1); then
    printf '%s\n' "$output" | tail -n 20 >&2
    echo "setup.sh: that failed; the command was: $1" >&2
    exit 1
  fi
}

echo "setup: installing ${missing[*]}"
run_as_root "apt-get update"
# Answered with no: apt-get only says what it would do, and exits with 1.
"${as_root[@]}" "LC_ALL=C apt-get install --assume-no $options" 2>/dev/null |
  sed -n 's/.*, \([0-9]* newly installed\).*/  \1, dependencies included/p; s/^Need to get/  apt-get downloads/p; s/^After this operation, \(.*\) of additional.*/  and unpacks them to \1/p' || true
case " ${missing[*]} " in
  *" redis-server "* | *" postgresql "* | *" prometheus "* | *" nginx-light "*)
    echo "  redis-server, postgresql, prometheus and nginx-light start services; setup.sh --help says how to stop them"
    ;;
esac
run_as_root "$install"
