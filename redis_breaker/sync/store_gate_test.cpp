#include "redis_breaker/sync/store_gate.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

using namespace cb;
using namespace std::chrono_literals;

namespace {

// A Redis in virtual time, and an instance that uses it.
struct SimulatedRedis final : StateStore {
  StoreName name() const override { return {"redis", "Redis"}; }
  StoreResult apply(const std::string&, const LastKnown&, const std::vector<Event>&, Writes) override {
    ++requests;
    during_request();
    if (is_well) return Answer{};
    return StoreTrouble{"no answer in time"};
  }

  bool request() { return std::holds_alternative<Answer>(gate.apply(*this, "x", {}, {}, Writes::if_changed)); }
  std::chrono::milliseconds look() {
    const auto wait = gate.try_to_reconnect([this] {
      ++attempts;
      return gate.apply(*this, "x", {}, {}, Writes::always);
    });
    gate.notices().deliver();
    return wait;
  }
  // Waits as the synchronizer does until Redis is used again. Returns how long that took.
  std::chrono::microseconds until_back() {
    const TimePoint begun = now;
    for (auto wait = look(); wait > 0ms; wait = look()) now += wait;
    return now - begun;
  }
  std::chrono::microseconds lose_for_a_moment() {
    is_well = false;
    request();
    is_well = true;
    return until_back();
  }

  TimePoint now{std::chrono::hours(1)};
  bool is_well = true;
  int requests = 0;
  int attempts = 0;
  std::function<void()> during_request = [] {};
  std::vector<std::string> reports;
  StoreGate gate{name(), shared([this](const Notice& notice) { reports.emplace_back(notice.cause); }),
                 [this] { return now; }};
};

}  // namespace

TEST_CASE("one late answer is not an outage: the attempt that follows at once succeeds, and nothing is reported") {
  SimulatedRedis redis;
  CHECK(redis.lose_for_a_moment() == 0ms);
  CHECK(redis.attempts == 1);
  CHECK(redis.gate.is_available());
  CHECK(redis.reports.empty());
}

TEST_CASE("an outage is reported once, and its end once; no request waits meanwhile") {
  SimulatedRedis redis;
  redis.is_well = false;
  CHECK_FALSE(redis.request());
  CHECK(redis.look() > 0ms);
  CHECK(redis.reports.size() == 1);  // as soon as the first attempt has failed
  const int before = redis.requests;
  CHECK_FALSE(redis.request());
  CHECK(redis.requests == before);
  CHECK(redis.gate.error() == "no answer in time");
  for (int i = 0; i < 10; ++i) redis.now += redis.look();
  REQUIRE(redis.reports.size() == 1);
  CHECK(redis.reports[0] == "no answer in time; using a local breaker until Redis recovers");
  redis.is_well = true;
  redis.until_back();
  REQUIRE(redis.reports.size() == 2);
  CHECK(redis.reports[1].find("Redis has recovered") == 0);
}

TEST_CASE("a rejoin that fails soon makes the next one wait longer, and one that lasts does not") {
  SimulatedRedis redis;
  redis.lose_for_a_moment();
  const auto waits_after = [&](std::chrono::milliseconds available) {
    redis.now += available;
    return redis.lose_for_a_moment();
  };
  for (const auto longest : {250ms, 500ms, 1000ms, 2000ms, 2000ms}) {
    const auto waited = waits_after(1s);
    CHECK(waited >= longest / 2);
    CHECK(waited <= longest);
  }
  CHECK(waits_after(10s) == 0ms);
}

TEST_CASE("a Redis that fails each time that it is used again is used no more than once in a second or two") {
  SimulatedRedis redis;
  int returns = 0;
  for (const TimePoint end = redis.now + 60s; redis.now < end; ++returns) {
    redis.now += 20ms;
    redis.lose_for_a_moment();
  }
  CHECK(returns <= 65);
}

TEST_CASE("a request that began before Redis was lost and found again does not end the new period") {
  SimulatedRedis redis;
  redis.during_request = [&] {
    if (redis.requests > 1) return;
    redis.lose_for_a_moment();
    redis.is_well = false;
  };
  CHECK_FALSE(redis.request());
  CHECK(redis.gate.is_available());
}

TEST_CASE("each loss and each recovery begins a period, and is passed on once") {
  SimulatedRedis redis;
  int changes = 0;
  redis.gate.when_changed([&] { ++changes; });
  CHECK(redis.gate.period() == 1);
  redis.is_well = false;
  redis.request();
  CHECK(redis.gate.period() == 2);
  CHECK(changes == 1);
  redis.look();
  redis.request();
  CHECK(redis.gate.period() == 2);
  redis.is_well = true;
  redis.until_back();
  CHECK(redis.gate.period() == 3);
  CHECK(changes == 2);
  CHECK(redis.gate.recovered_at() == redis.now);
}

TEST_CASE("the end of an outage is reported with its length, and the error is gone") {
  SimulatedRedis redis;
  redis.is_well = false;
  redis.request();
  redis.now += 250ms;
  redis.look();
  CHECK(redis.gate.error() == "no answer in time");
  redis.is_well = true;
  redis.now += 4s;
  CHECK(redis.look() == 0ms);
  CHECK(redis.reports.back() == "Redis has recovered: using the shared breaker again after 4.2 s");
  CHECK(redis.gate.error().empty());
}

TEST_CASE("while the store is available, no attempt is made") {
  SimulatedRedis redis;
  CHECK(redis.look() == 0ms);
  CHECK(redis.attempts == 0);
}
