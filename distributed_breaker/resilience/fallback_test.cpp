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

TEST_CASE("without a fallback there is no answer, even after a good one") {
  FallbackSource source(CallPolicy{});
  source.remember("", "{}", noon);
  CHECK(!source.answer("", noon).has_value());
}

TEST_CASE("a good answer does not replace the fixed one, which has no age") {
  FallbackSource source({.fallback = Fallback::fixed, .fallback_answer = R"("later")"});
  source.remember("", "{}", noon);
  const auto answer = source.answer("", noon + 1h);
  REQUIRE(answer.has_value());
  CHECK(answer->body == R"("later")");
  CHECK(answer->age == 0ms);
}

TEST_CASE("the last good answer carries its age; before the first success there is none") {
  FallbackSource source({.fallback = Fallback::last_good});
  CHECK(!source.answer("", noon).has_value());
  source.remember("", "1", noon);
  source.remember("", "2", noon + 1s);
  const auto answer = source.answer("", noon + 5s);
  REQUIRE(answer.has_value());
  CHECK(answer->body == "2");
  CHECK(answer->age == 4s);
}

TEST_CASE("an older answer does not replace a newer one") {
  FallbackSource source({.fallback = Fallback::last_good});
  source.remember("", "newer", noon + 1s);
  source.remember("", "older", noon);
  CHECK(source.answer("", noon)->body == "newer");
  CHECK(source.answer("", noon)->age == 0ms);
}

TEST_CASE("an answer above the size limit is dropped, and the previous one is kept") {
  FallbackSource source({.fallback = Fallback::last_good});
  source.remember("", std::string(FallbackSource::longest_body, 'a'), noon);
  source.remember("", std::string(FallbackSource::longest_body + 1, 'b'), noon + 1s);
  CHECK(source.answer("", noon + 1s)->body == std::string(FallbackSource::longest_body, 'a'));
}

TEST_CASE("each tenant has its own last good answer, and so have the calls without one") {
  FallbackSource source({.fallback = Fallback::last_good});
  source.remember("acme", "1", noon);
  source.remember("", "2", noon);
  CHECK(source.answer("acme", noon)->body == "1");
  CHECK(source.answer("", noon)->body == "2");
  CHECK(!source.answer("bolt", noon).has_value());
}

TEST_CASE("the answers of very many tenants take bounded memory: the oldest are dropped") {
  FallbackSource source({.fallback = Fallback::last_good});
  const std::string body(FallbackSource::longest_body, 'a');
  constexpr size_t many = 2 * FallbackSource::most_bytes / FallbackSource::longest_body;
  size_t kept = 0;
  for (size_t i = 0; i < many; ++i) source.remember(std::to_string(i), body, noon + std::chrono::seconds(i));
  for (size_t i = 0; i < many; ++i) kept += source.answer(std::to_string(i), noon).has_value();
  CHECK(kept < many / 2);
  CHECK(kept > many / 2 - 10);
  CHECK(source.answer(std::to_string(many - 1), noon).has_value());
  CHECK(!source.answer("0", noon).has_value());
}

TEST_CASE("a reader gets a whole answer while other threads write") {
  FallbackSource source({.fallback = Fallback::last_good});
  source.remember("", std::string(1000, '0'), noon);
  std::vector<std::jthread> writers;
  for (const char letter : {'1', '2', '3'}) {
    writers.emplace_back([&source, letter] {
      for (int i = 0; i < 1000; ++i) source.remember("", std::string(1000, letter), noon);
    });
  }
  for (int i = 0; i < 1000; ++i) {
    const std::string body = source.answer("", noon)->body;
    REQUIRE(body == std::string(1000, body[0]));
  }
}
