#include "distributed_breaker/resilience/fallback.hpp"

#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

#include "distributed_breaker/resilience/call_policy.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

const SteadyTime noon{12h};

}  // namespace

TEST_CASE("without a fallback there is no answer, whatever was good before") {
  FallbackSource source(CallPolicy{});
  source.remember("{}", noon);
  CHECK(!source.answer(noon).has_value());
}

TEST_CASE("the fixed answer has no age, and no good answer takes its place") {
  FallbackSource source({.fallback = Fallback::fixed, .fallback_answer = R"("later")"});
  source.remember("{}", noon);
  const auto answer = source.answer(noon + 1h);
  REQUIRE(answer.has_value());
  CHECK(answer->body == R"("later")");
  CHECK(answer->age == 0ms);
}

TEST_CASE("the last good answer is given with its age; before the first one there is none") {
  FallbackSource source({.fallback = Fallback::last_good});
  CHECK(!source.answer(noon).has_value());
  source.remember("1", noon);
  source.remember("2", noon + 1s);
  const auto answer = source.answer(noon + 5s);
  REQUIRE(answer.has_value());
  CHECK(answer->body == "2");
  CHECK(answer->age == 4s);
}

TEST_CASE("an answer that was overtaken by a newer one does not replace it") {
  FallbackSource source({.fallback = Fallback::last_good});
  source.remember("newer", noon + 1s);
  source.remember("older", noon);
  CHECK(source.answer(noon)->body == "newer");
  CHECK(source.answer(noon)->age == 0ms);
}

TEST_CASE("an answer above the bound is not kept, and the one before it stays") {
  FallbackSource source({.fallback = Fallback::last_good});
  source.remember(std::string(FallbackSource::longest_body, 'a'), noon);
  source.remember(std::string(FallbackSource::longest_body + 1, 'b'), noon + 1s);
  CHECK(source.answer(noon + 1s)->body == std::string(FallbackSource::longest_body, 'a'));
}

TEST_CASE("whoever asks while others remember gets a whole answer") {
  FallbackSource source({.fallback = Fallback::last_good});
  source.remember(std::string(1000, '0'), noon);
  std::vector<std::jthread> writers;
  for (const char letter : {'1', '2', '3'}) {
    writers.emplace_back([&source, letter] {
      for (int i = 0; i < 1000; ++i) source.remember(std::string(1000, letter), noon);
    });
  }
  for (int i = 0; i < 1000; ++i) {
    const std::string body = source.answer(noon)->body;
    REQUIRE(body == std::string(1000, body[0]));
  }
}
