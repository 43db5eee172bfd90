#!/usr/bin/env bash
# Usage: scripts/dev/build.sh [release|debug|asan|tsan [TARGET...]]
#
# Installs missing packages and builds one preset: release into build/, each other one into build/NAME. asan (address and
# undefined-behaviour sanitizers) and tsan (threads) use Clang, the others the system's compiler. The target `programs`
# leaves out the tests. All presets but debug compile several files of a target as one (release up to 8, the sanitizers
# up to 32), which takes two thirds of the time; so names that are private to a file must differ within a target. debug
# compiles each file separately.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
help_if_asked "$@"

preset=${1:-release}
case "$preset" in
  release | debug | asan | tsan) ;;
  *) echo "build.sh: '$preset' is not a preset (--help lists them)" >&2; exit 2 ;;
esac
shift || true
[ $# -gt 0 ] || set -- all
build "$preset" "$@"
