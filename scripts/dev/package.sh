#!/usr/bin/env bash
# Usage: scripts/dev/package.sh [--bare]
#
# Builds the Debian package of the libraries: build/debian/circuit-breaker-lab-dev_VERSION_ARCHITECTURE.deb. It is for
# the release of Debian on which it is built, as the libraries use that one's hiredis and OpenSSL.
#   --bare  then also, as root: makes a new Debian of this release with debootstrap in a temporary folder, installs the
#           package there, without what it only recommends, and builds and runs a program with the breaker in memory and
#           one with shared memory. Then the same with what it recommends and the breaker in Redis; and each example, with
#           what that needs. Downloads some 200 MB.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
help_if_asked "$@"
cd "$root"

folder=$root/build/debian
bare=false
case "${1:-}" in
  "") ;;
  --bare) bare=true ;;
  *) echo "package.sh: $1 is not an option (--help lists them)" >&2; exit 2 ;;
esac

build_package() {
  scripts/dev/setup.sh
  mkdir -p "$folder"
  # With the position-independent code, a program can link the package into a shared library.
  cmake -S . -B "$folder" -G Ninja -DCIRCUIT_BREAKER_LAB_PROGRAMS=OFF -DCMAKE_BUILD_TYPE=Release -DCMAKE_UNITY_BUILD=ON \
    -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DCMAKE_CXX_FLAGS=-fno-semantic-interposition \
    >"$folder/build.log"
  run_ninja "$folder" "$folder/build.log"
  rm -f "$folder"/*.deb
  (cd "$folder" && cpack -G DEB >cpack.log) || { cat "$folder/cpack.log" >&2; exit 1; }
  ls "$folder"/*.deb
}

inside() { chroot "$new_debian" env DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"; }

build_there() {  # COMPONENT HEADER EXPRESSION: builds and runs a program
  mkdir -p "$new_debian/program"
  cat >"$new_debian/program/main.cpp" <<END
#include <circuit_breaker/$2.hpp>
int main() { return static_cast<int>($3); }
END
  cat >"$new_debian/program/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(program CXX)
add_executable(program main.cpp)
find_package(circuit_breaker_lab REQUIRED COMPONENTS $1)
target_link_libraries(program PRIVATE circuit_breaker::$1)
END
  inside cmake -S /program -B "/program/$1" >/dev/null
  inside cmake --build "/program/$1" >/dev/null
  inside "/program/$1/program"
  echo "circuit_breaker::$1: a program builds and runs on a new Debian"
}

new_debian=
redis=
clean_up() {
  [ -z "$redis" ] || kill "$redis"
  [ -n "$new_debian" ] || return 0
  ! mountpoint --quiet "$new_debian/proc" || umount "$new_debian/proc"
  rm -rf --one-file-system "$new_debian"
}
trap clean_up EXIT
try_on_new_debian() {
  local suite
  suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
  command -v debootstrap >/dev/null || { echo "package.sh: debootstrap is missing" >&2; exit 1; }
  new_debian=$(mktemp -d)
  chmod 755 "$new_debian"
  debootstrap --variant=minbase "$suite" "$new_debian" >"$folder/debootstrap.log" ||
    { tail -n 20 "$folder/debootstrap.log" >&2; exit 1; }
  cp "$folder"/*.deb "$new_debian/package.deb"
  inside apt-get install --yes --no-install-recommends /package.deb g++ cmake make >"$folder/install.log" 2>&1 ||
    { tail -n 20 "$folder/install.log" >&2; exit 1; }
  mkdir -p "$new_debian/dev/shm"
  mount -t proc proc "$new_debian/proc"  # by which shared memory gets its name
  build_there simple circuit_breaker "cb::CircuitBreaker({}).status().state"
  build_there store store 'cb::ShmStore("new-debian").name().empty()'
  inside apt-get install --yes --no-install-recommends libhiredis-dev libssl-dev pkg-config >>"$folder/install.log" 2>&1
  build_there redis redis 'cb::redis::Client(cb::redis::parse_url("redis://127.0.0.1"), std::chrono::seconds(1)).is_cluster()'
  build_examples_there
}

# With the packages that examples/README.md lists. Whether they print what they should, package_test.sh checks.
build_examples_there() {
  local name arguments
  inside apt-get install --yes --no-install-recommends libcurl4-openssl-dev libsqlite3-dev libasio-dev \
    prometheus-cpp-dev redis-server >>"$folder/install.log" 2>&1 || { tail -n 20 "$folder/install.log" >&2; exit 1; }
  cp -r examples "$new_debian/examples"
  inside cmake -S /examples -B /program/examples >/dev/null
  inside cmake --build /program/examples >/dev/null
  chroot "$new_debian" redis-server --port 0 --unixsocket /program/redis.sock --save '' >"$folder/redis.log" 2>&1 &
  redis=$!
  until inside redis-cli -s /program/redis.sock ping >/dev/null 2>&1; do
    kill -0 "$redis" 2>/dev/null || { cat "$folder/redis.log" >&2; exit 1; }
    sleep 0.05
  done
  sed -n 's/^example(\([a-z_]*\) .*/\1/p' examples/CMakeLists.txt >"$folder/examples"
  while read -r name; do
    arguments=()
    [ "$name" != shared_through_redis ] || arguments=(unix:///program/redis.sock)
    inside "/program/examples/$name" "${arguments[@]}" >/dev/null </dev/null
    echo "$name: builds and runs on a new Debian"
  done <"$folder/examples"
}

build_package
if "$bare"; then try_on_new_debian; fi
