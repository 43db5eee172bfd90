#!/usr/bin/env bash
# Usage: scripts/dev/package_test.sh [BUILD_FOLDER]
#
# Installs the libraries from BUILD_FOLDER (build by default), where they must be built, into a temporary prefix, and
# checks what a program outside the lab gets:
#   symbols     the libraries define no global names outside cb
#   pkg-config  its flags compile and link a program with the smallest library, and one with shared memory
#   components  without hiredis `simple` and `store` are found, and the message for `redis` names what is missing
#   subproject  add_subdirectory() adds the libraries, and no program, test or flag
#   examples    each example builds against the prefix, and prints what examples/README.md shows
# What it builds stays in BUILD_FOLDER/package_test, so the second time takes seconds.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
help_if_asked "$@"
cd "$root"

build_folder=$(realpath "${1:-build}")
work=$build_folder/package_test
prefix=$work/prefix
launcher=()
! command -v ccache >/dev/null || launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)

fail() { echo "FAILED: $1" >&2; exit 1; }

# What a mangled name begins with: a name in cb, in std or in __gnu_cxx, also one of a type's run-time information. GCC
# adds the type information of functions (_ZTIF), DW.ref of what a catch names, and, unoptimised, placement new.
allowed='^(_ZG?V?Z?(T[ISVT]|Th[0-9n_]*)?(N[KVRO]*)?(2cb|S[tabsiod]|9__gnu_cxx)|_ZT[IS]P?F|_Z(n[wa]m|d[la])Pv|DW\.ref\.)'

check_symbols() {
  local library others
  for library in "$prefix"/lib*/libcircuit_breaker_*.a; do
    others=$(nm --defined-only --extern-only "$library" | awk 'NF == 3 {print $3}' | grep -vE "$allowed" | c++filt || true)
    [ -z "$others" ] || fail "$library defines: $others"
  done
}

build_with_pkg_config() {  # SOURCE NAME
  local flags
  flags=$(PKG_CONFIG_PATH=$(dirname "$prefix"/lib*/pkgconfig/circuit_breaker_simple.pc) \
    pkg-config --cflags --libs --static "circuit_breaker_$2")
  # shellcheck disable=SC2086  # several flags
  c++ -std=c++20 "$1" $flags -o "$work/with_$2"
  "$work/with_$2" >/dev/null || fail "a program built with pkg-config and circuit_breaker_$2 fails"
}

check_pkg_config() {
  cat >"$work/main.cpp" <<'END'
#include <circuit_breaker/circuit_breaker.hpp>
int main() { return static_cast<int>(cb::CircuitBreaker({}).status().state) + (CB_VERSION == 0); }
END
  build_with_pkg_config "$work/main.cpp" simple
  build_with_pkg_config examples/shared_on_one_host.cpp store
}

configure_with() {  # COMPONENT
  rm -rf "$work/component"
  mkdir -p "$work/component"
  cat >"$work/component/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(needs_$1 CXX)
find_package(circuit_breaker_lab REQUIRED COMPONENTS $1)
END
  PKG_CONFIG_LIBDIR=/nonexistent cmake -S "$work/component" -B "$work/component/build" -G Ninja \
    -DCMAKE_PREFIX_PATH="$prefix" 2>&1
}

check_components() {
  local output name
  for name in simple store; do
    configure_with "$name" >"$work/component.log" || { cat "$work/component.log" >&2; fail "$name needs hiredis"; }
  done
  if output=$(configure_with redis); then fail "redis is found without hiredis"; fi
  grep -q 'circuit_breaker::redis: hiredis is missing (Debian: libhiredis-dev)' <<<"$(tr -s '\n ' ' ' <<<"$output")" ||
    fail "the message does not name hiredis: $output"
}

check_subproject() {
  local other
  mkdir -p "$work/subproject"
  cat >"$work/subproject/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(uses_a_breaker CXX)
add_subdirectory($root breakers)
add_executable(uses_a_breaker ../main.cpp)
target_link_libraries(uses_a_breaker circuit_breaker::simple circuit_breaker::redis)
END
  cmake -S "$work/subproject" -B "$work/subproject/build" -G Ninja "${launcher[@]}" -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >/dev/null
  other=$(ninja -C "$work/subproject/build" -t targets all | grep -E '(EXECUTABLE|LIBRARY)_LINKER' |
    grep -vE '^(breakers/.*/libcircuit_breaker_[a-z]*[.]a|uses_a_breaker):' || true)
  [ -z "$other" ] || fail "add_subdirectory() also builds: $other"
  ctest --test-dir "$work/subproject/build" -N 2>&1 | grep -q 'Total Tests: 0\|No tests were found' ||
    fail "add_subdirectory() adds tests"
  jq --raw-output '.[] | select(.file | endswith("/main.cpp")).command' "$work/subproject/build/compile_commands.json" |
    grep -v -e ' -W' -e ' -O' | grep -q -- -std= || fail "add_subdirectory() does not require C++20, or adds flags"
  nice ninja -C "$work/subproject/build" breakers/simple_breaker/all >/dev/null || fail "a subproject does not build"
}

start_redis() {
  setpriv --pdeathsig KILL redis-server --port 0 --unixsocket "$work/redis.sock" --save '' --daemonize no \
    >"$work/redis.log" 2>&1 &
  trap 'kill -KILL $!' EXIT
  until [ "$(redis-cli -s "$work/redis.sock" ping 2>/dev/null)" = PONG ]; do
    kill -0 $! 2>/dev/null || { cat "$work/redis.log" >&2; fail "redis-server does not start"; }
    sleep 0.05
  done
}

check_examples() {
  local marker name printed
  cmake -S examples -B "$work/examples" -G Ninja "${launcher[@]}" -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_CXX_FLAGS="-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror" >/dev/null
  nice ninja -C "$work/examples" >"$work/examples.log" || { cat "$work/examples.log" >&2; fail "an example does not build"; }
  while read -r marker; do
    name=${marker#<!-- example: }
    name=${name% -->}
    printed=$(timeout 20 "$work/examples/$name") || fail "the example $name ends with an error"
    printed=${printed//Could not connect/Couldn\'t connect}  # as newer versions of libcurl say
    diff <(block_after "$marker" examples/README.md) <(echo "$printed") >&2 || fail "the example $name prints something else"
  done < <(grep '^<!-- example: ' examples/README.md)
  start_redis
  timeout 20 "$work/examples/shared_through_redis" "unix://$work/redis.sock" ||
    fail "three processes do not share a breaker"
}

mkdir -p "$work"
cmake --install "$build_folder" --prefix "$prefix" >/dev/null
check_symbols
check_pkg_config
check_components
check_subproject
check_examples
echo "the package holds"
