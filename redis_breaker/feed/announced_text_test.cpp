#include "redis_breaker/feed/announced_text.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

using namespace cb;

TEST_CASE("the news of a breaker is a state, its numbers and the breaker's name") {
  const auto [name, news] =
      parse_news("half_open 1795697341008617 250000 1795697340956261 3 auto 1795697341008618 pay@cards");
  CHECK(name == "pay@cards");
  CHECK(news.state == State::half_open);
  CHECK(news.generation == 1795697341008617);
  CHECK(news.wait == std::chrono::milliseconds(250));
  CHECK(news.epoch == 1795697340956261);
  CHECK(news.failures == 3);
  CHECK_FALSE(news.is_overridden);
  CHECK(news.now == TimePoint(std::chrono::microseconds(1795697341008618)));
  CHECK(parse_news("open 2 0 1 0 forced_open 3 pay").second.is_overridden);
}

TEST_CASE("malformed news has no generation") {
  for (const char* text :
       {"", " ", "open", "banana 2 0 1 0 auto 3 pay", "open x 0 1 0 auto 3 pay", "open 2x 0 1 0 auto 3 pay",
        "open 2 -1 1 0 auto 3 pay", "open 2 0 1 99999999999 auto 3 pay", "open 2 0 1 0 auto", "open 2 0 1 0 auto x pay",
        "open  2 0 1 0 auto 3 pay", "open 9000000000000000 0 1 0 auto 3 pay", "open 2 9000000000000000 1 0 auto 3 pay",
        "open 2 0 9000000000000000 0 auto 3 pay", "open 2 0 1 -1 auto 3 pay", "open 2 0 1 0 auto -3 pay",
        "open 2 0 1 0 auto 9000000000000000 pay"}) {
    CAPTURE(text);
    CHECK(parse_news(text).second.generation == 0);
  }
}
