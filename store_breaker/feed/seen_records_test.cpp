#include "store_breaker/feed/seen_records.hpp"

#include <doctest/doctest.h>

using namespace cb;

TEST_CASE("100,000 made-up names leave a bounded number of seen records") {
  SeenRecords seen;
  for (int i = 0; i < 100'000; i += 2) {
    seen.exchanged("made-up-" + std::to_string(i), 0, {1, 7});
    seen.reported("made-up-" + std::to_string(i + 1), {1, 7});
  }
  CHECK(seen.size() > 0);
  CHECK(seen.size() <= SeenRecords::most);
}

TEST_CASE("what an exchange did not find is not remembered") {
  SeenRecords seen;
  seen.exchanged("made-up", 0, {});
  CHECK(seen.size() == 0);
}

TEST_CASE("only the feed moves on to another generation") {
  SeenRecords seen;
  seen.exchanged("traced", 0, {1, 7});
  seen.exchanged("traced", 7, {2, 7});
  CHECK(seen.reported("traced", {2, 7}).version == 2);
  seen.exchanged("traced", 7, {3, 8});
  seen.exchanged("traced", 8, {4, 8});
  CHECK(seen.reported("traced", {4, 8}).version == 2);
}
