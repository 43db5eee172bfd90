#!/usr/bin/env bash
# Usage: simple_breaker/tests/must_not_compile_test.sh COMPILER
#
# Compiles must_not_compile.cpp, and checks that each of its lines marked `// refused: TEXT` causes an error with that
# text, and that nothing else does.
set -euo pipefail
cd "$(dirname "$0")/../.."
source=simple_breaker/tests/must_not_compile.cpp
errors=$("$1" -std=c++20 -fsyntax-only -Werror=unused-result -I . "$source" 2>&1) && { echo "$source compiles"; exit 1; }

faults=0
while IFS=: read -r line _; do
  grep -q "$source:$line:" <<<"$errors" || { echo "$source:$line: no error"; faults=1; }
done < <(grep -n '// refused: ' "$source")
while read -r expected text; do
  found=$(grep -c "error: .*$text" <<<"$errors" || true)
  [ "$found" -eq "$expected" ] || { echo "$found errors with '$text', not $expected"; faults=1; }
done < <(sed -n 's,.*// refused: ,,p' "$source" | sort | uniq -c)
marked=$(grep -c '// refused: ' "$source")
[ "$(grep -c 'error: ' <<<"$errors")" -eq "$marked" ] || { echo "not $marked errors"; faults=1; }
[ "$faults" -eq 0 ] || { echo "$errors"; exit 1; }
