#!/usr/bin/env bash
# Usage: scripts/dev/reference.sh
#
# Makes the reference of the library's public headers with doxygen: build/reference/html/index.html. Fails on a warning.
set -euo pipefail
# shellcheck source=scripts/dev/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
help_if_asked "$@"
cd "$root"

command -v doxygen >/dev/null || scripts/dev/setup.sh --develop
folder=build/reference
rm -rf "$folder"
mkdir -p "$folder"

# The headers have plain comments, as reading matter. This makes doxygen's kind of them, before a name and behind a member,
# and leaves out links to files that have no page here, and to headings.
cat >"$folder/filter.sh" <<'END'
#!/bin/sh
case "$1" in
  *.md) sed -E 's,\[([^]]*)\]\((\.\.|#)[^)]*\),\1,g' "$1" ;;
  *) sed -E '\,//,s,@,\\@,g; s,^( *)// ?,\1/// ,; s,([;{},]) +// ,\1 ///< ,' "$1" ;;
esac
END
chmod +x "$folder/filter.sh"

doxygen - <<END
PROJECT_NAME = "Circuit Breaker Lab"
PROJECT_NUMBER = $(sed -n 's/^project(.* VERSION \([0-9.]*\) .*/\1/p' CMakeLists.txt)
OUTPUT_DIRECTORY = $folder
INPUT = cmake/package/README.md cmake/package/CHANGELOG.md cmake/package/coming_from.md cmake/package/circuit_breaker simple_breaker/breaker.hpp \
  simple_breaker/circuit_breaker.hpp simple_breaker/clock.hpp simple_breaker/execute.hpp simple_breaker/notice.hpp \
  simple_breaker/policy.hpp simple_breaker/policies simple_breaker/around distributed_breaker/resilience redis_breaker/fallback_breaker.hpp \
  redis_breaker/quorum_breaker.hpp redis_breaker/redis_group.hpp redis_breaker/shared_breaker_group.hpp redis_breaker/redis/address.hpp \
  redis_breaker/redis/client.hpp redis_breaker/state_store.hpp \
  store_breaker/store_group.hpp store_breaker/shm/shm_store.hpp store_breaker/record_store.hpp
FILE_PATTERNS = *.hpp *.md
EXCLUDE_PATTERNS = *_test.* *_options.hpp *_for_test.hpp
EXCLUDE_SYMBOLS = cb::detail
USE_MDFILE_AS_MAINPAGE = cmake/package/README.md
INPUT_FILTER = $folder/filter.sh
STRIP_FROM_PATH = . cmake/package
EXTRACT_ALL = YES
JAVADOC_AUTOBRIEF = YES
BUILTIN_STL_SUPPORT = YES
MARKDOWN_SUPPORT = YES
AUTOLINK_SUPPORT = YES
SORT_MEMBER_DOCS = NO
GENERATE_LATEX = NO
HAVE_DOT = NO
QUIET = YES
WARN_AS_ERROR = FAIL_ON_WARNINGS
END
echo "$root/$folder/html/index.html"
