#!/usr/bin/env bash
# Usage: scripts/dev/browser_tests.sh [--install | OPTIONS of playwright test]
#
# Checks the types of the pages' modules, tests with node those that need no browser, and then the pages and the report in
# chromium, with Playwright, which npm installs into build/ where it is missing. Screenshots are in build/screenshots
# afterwards. --install: no more than to install what is missing.
# Options of playwright test: a part of a file's name or of a title (-g TITLE), --workers 1, --repeat-each 5.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
help_if_asked "$@"

tests=$root/load_generator/control_room/browser_tests
installed=$root/build/browser_tests

# node finds the modules in the tests' folder, where a link leads to them.
install_playwright() {
  "$root/scripts/dev/setup.sh" --test
  if ! cmp --quiet "$tests/package-lock.json" "$installed/installed.json"; then
    mkdir -p "$installed"
    cp "$tests"/{.npmrc,package.json,package-lock.json} "$installed"
    PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm --prefix "$installed" ci >"$installed/npm.log" 2>&1 ||
      { cat "$installed/npm.log" >&2; return 1; }
    cp "$tests/package-lock.json" "$installed/installed.json"
  fi
  ln -sfn "$installed/node_modules" "$tests/node_modules"
}

install_playwright
if [ "${1:-}" = --install ]; then exit; fi
need_build load_generator
"$tests/node_modules/.bin/tsc" --project "$root/load_generator/page/jsconfig.json"
find "$root/load_generator/page" "$root/load_generator/control_room/page_tests" -name '*.test.js' -print0 |
  xargs -0 node --test --test-reporter=spec >"$installed/node_tests.log" ||
  { cat "$installed/node_tests.log" >&2; exit 1; }
cd "$tests"
export PWTEST_CACHE_DIR=$installed/cache
exec node_modules/.bin/playwright test "$@"
