// Policies and overrides that apply to the whole fleet: windows, overrides, quorum, and their memory in Redis.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <thread>
#include <vector>

#include "redis_breaker/quorum_breaker.hpp"
#include "redis_breaker/tests/shared_instance_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

const Policy rates{.failure_threshold = 0,
                   .failure_rate_threshold = 0.5,
                   .sliding_window_size = 60s,
                   .minimum_number_of_calls = 10,
                   .recovery_timeout = 60s};

// An instance whose shared breaker needs a quorum.
struct Member {
  Member(TestRedis& shared, const Policy& policy, const std::string& instance)
      : client(redis::parse_url(shared.server.url()), 5s),
        breaker(redis_group(client, policy, record(), instance), {"x"}) {}

  Listener record() {
    return on_transition([this](const Transition& transition) {
      const std::scoped_lock lock(mutex);
      causes_.push_back(transition.cause);
    });
  }
  std::vector<std::string> causes() const {
    const std::scoped_lock lock(mutex);
    return causes_;
  }
  Settled call(Outcome outcome) { return std::get<Permit>(breaker.acquire()).settle(outcome); }
  bool rejected() { return std::holds_alternative<Rejection>(breaker.acquire()); }

  redis::Client client;
  mutable std::mutex mutex;
  std::vector<std::string> causes_;  // guarded by mutex
  QuorumBreaker breaker;
};

const Policy two_must_agree{.failure_threshold = 3, .minimum_reporting_instances = 2, .recovery_timeout = 60s};

long memory(TestRedis& redis, const std::string& pattern) {
  const std::string script = R"(local sum = 0
    for _, key in ipairs(redis.call('KEYS', ARGV[1])) do sum = sum + redis.call('MEMORY', 'USAGE', key, 'SAMPLES', 0) end
    return sum)";
  return std::stol(redis.cli({"EVAL", script, "0", pattern}));
}

}  // namespace

TEST_CASE("the window covers the fleet: half of all calls must fail, whichever instances made them") {
  TestRedis redis;
  TestInstance a(redis, rates), b(redis, rates), c(redis, rates);
  for (int i = 0; i < 5; ++i) a.call(Outcome::success);
  for (int i = 0; i < 4; ++i) b.call(Outcome::failure);
  CHECK(eventually([&] { return a.breaker.detailed_status().recent == CallCounts{9, 4, 0}; }));
  CHECK(c.call(Outcome::failure).state == State::open);
  CHECK(c.last_cause() == "5 of 10 calls failed");
  CHECK(a.sees(State::open));
  CHECK(a.rejected());
}

TEST_CASE("expired buckets are removed from the counts and from Redis") {
  TestRedis redis;
  Policy policy = rates;
  policy.sliding_window_size = 1s;
  TestInstance a(redis, policy);
  a.call(Outcome::failure);
  while (a.breaker.detailed_status().recent.calls > 0) std::this_thread::yield();
  a.call(Outcome::success);
  CHECK(eventually([&] { return a.breaker.detailed_status().recent == CallCounts{1, 0, 0}; }));
  const std::string window = redis.cli({"GET", "cb:x:window"});
  CHECK(std::count(window.begin(), window.end(), '/') == 2);  // one bucket
}

TEST_CASE("slow calls of all instances count together") {
  TestRedis redis;
  const Policy policy{.failure_threshold = 0,
                      .slow_call_rate_threshold = 1,
                      .slow_call_duration_threshold = 1ms,
                      .minimum_number_of_calls = 2,
                      .recovery_timeout = 60s};
  TestInstance a(redis, policy), b(redis, policy);
  for (TestInstance* instance : {&a, &b}) {
    Permit permit = instance->permit();
    const auto begun = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - begun < 2ms) {
    }
    permit.settle(Outcome::success);
    CHECK(instance->breaker.detailed_status().slow_calls == 1);
  }
  CHECK(b.last_cause() == "2 of 2 calls were slow");
}

TEST_CASE("an override is stored in Redis, shown by all instances, and reported by the one that applied it") {
  TestRedis redis;
  TestInstance a(redis, one_failure), b(redis, one_failure);
  CHECK(a.breaker.apply_override({Mode::forced_open, "ann", "deploying"}, {}).empty());
  CHECK(a.last_cause() == "forced open by ann: deploying");
  CHECK(b.transitions().empty());
  CHECK(std::get<Rejection>(b.breaker.acquire()).retry_after == 60s);
  CHECK(b.breaker.detailed_status().active_override == Override{Mode::forced_open, "ann", "deploying"});
  CHECK(redis.cli({"GET", "cb:x:state"}) == "open");
  CHECK(b.breaker.apply_override({Mode::automatic, "bob", ""}, {}).empty());
  CHECK(b.last_cause() == "automatic again by bob");
  CHECK(a.sees(State::half_open));
  CHECK(a.permit().is_probe());
}

TEST_CASE("an override expires by Redis's clock") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  a.breaker.apply_override({Mode::forced_closed, "ann", ""}, 1s);  // long enough for three calls
  for (int i = 0; i < 3; ++i) CHECK(a.call(Outcome::failure).state == State::closed);
  while (a.breaker.detailed_status().active_override.mode != Mode::automatic) std::this_thread::yield();
  CHECK(a.sees("forced closed: expired"));
  CHECK(a.call(Outcome::failure).state == State::open);
}

TEST_CASE("disabled admits all and writes nothing; metrics_only counts when it would have opened") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  a.breaker.apply_override({Mode::disabled, "ann", ""}, {});
  const long before = redis.writes();
  for (int i = 0; i < 5; ++i) a.call(Outcome::failure);
  CHECK(redis.writes() == before);
  a.breaker.apply_override({Mode::metrics_only, "ann", ""}, {});
  for (int i = 0; i < 5; ++i) CHECK(a.call(Outcome::failure).state == State::closed);
  CHECK(a.breaker.detailed_status().would_have_tripped == 5);
}

TEST_CASE("the keys outlive an override by a day") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  a.breaker.apply_override({Mode::forced_open, "ann", ""}, 100h);
  const auto hours_left = [&](const std::string& key) { return std::stol(redis.cli({"PTTL", key})) / 3'600'000; };
  for (const char* key : {"cb:x:state", "cb:x:breaker"}) {
    CHECK(hours_left(key) >= 123);
    CHECK(hours_left(key) <= 124);
  }
}

TEST_CASE("an override until further notice outlives a stopped fleet, and a key written from outside ends it") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  a.breaker.apply_override({Mode::forced_open, "ann", ""}, {});
  constexpr long a_day = 24L * 3600 * 1000;
  for (const char* key : {"cb:x:state", "cb:x:breaker"}) {
    CHECK(std::stol(redis.cli({"PTTL", key})) > 30 * a_day);
    CHECK(std::stol(redis.cli({"PTTL", key})) <= 31 * a_day);
  }
  redis.cli({"SET", "cb:x:state", "closed"});
  CHECK(a.sees("written from outside"));
  CHECK(a.call(Outcome::success).state == State::closed);
  CHECK(a.breaker.detailed_status().active_override == Override{});
}

TEST_CASE("special characters in an override's actor and reason are preserved") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  const Override order{Mode::forced_open, "ann \"the admin\" ' $(id)", "100 % {sure} \xc3\xa9 %s"};
  CHECK(a.breaker.apply_override(order, 1h).empty());
  CHECK(a.breaker.detailed_status().active_override == order);
}

TEST_CASE("reading the status of an unused breaker leaves nothing in Redis, and its first use is not a reset") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  CHECK(a.breaker.status().state == State::closed);
  CHECK(redis.cli({"DBSIZE"}) == "0");
  a.call(Outcome::success);
  CHECK(a.transitions().empty());
}

TEST_CASE("without Redis an override is refused") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  redis.server.process().send_signal(SIGKILL);
  CHECK_FALSE(a.breaker.apply_override({Mode::forced_open, "ann", ""}, {}).empty());
  CHECK(eventually([&] { return a.troubles().size() == 1; }));
}

TEST_CASE("with a quorum of two, one instance's failures open only that instance's breaker") {
  TestRedis redis;
  Member a(redis, two_must_agree, "a"), b(redis, two_must_agree, "b");
  for (int i = 0; i < 3; ++i) b.call(Outcome::failure);
  CHECK(b.rejected());
  CHECK(b.breaker.detailed_status().open_locally);
  CHECK(b.breaker.status().state == State::open);
  CHECK(b.causes() == std::vector<std::string>{"this instance only: 3 consecutive failures"});
  CHECK(redis.cli({"GET", "cb:x:state"}) == "closed");
  for (int i = 0; i < 10; ++i) CHECK(a.call(Outcome::success).state == State::closed);
  CHECK_FALSE(a.breaker.detailed_status().open_locally);
}

TEST_CASE("with a quorum of two, the second instance's failure opens for everyone") {
  TestRedis redis;
  Member a(redis, two_must_agree, "a"), b(redis, two_must_agree, "b"), c(redis, two_must_agree, "c");
  b.call(Outcome::failure);
  b.call(Outcome::failure);
  CHECK(a.call(Outcome::failure).state == State::open);
  CHECK(a.causes() == std::vector<std::string>{"3 consecutive failures"});
  for (Member* member : {&a, &b, &c}) {
    CHECK(eventually([&] { return member->rejected(); }));
    CHECK_FALSE(member->breaker.detailed_status().open_locally);
  }
}

TEST_CASE("two instances that share a name are two reporters") {
  TestRedis redis;
  Member a(redis, two_must_agree, "Instance-8001"), b(redis, two_must_agree, "Instance-8001");
  b.call(Outcome::failure);
  b.call(Outcome::failure);
  CHECK(a.call(Outcome::failure).state == State::open);
  CHECK(redis.cli({"GET", "cb:x:state"}) == "open");
}

TEST_CASE("a success in between makes earlier reporters of failures irrelevant") {
  TestRedis redis;
  Member a(redis, two_must_agree, "a"), b(redis, two_must_agree, "b");
  a.call(Outcome::failure);
  REQUIRE(b.breaker.status().failures == 1);  // b has learned of it
  b.call(Outcome::success);
  for (int i = 0; i < 3; ++i) b.call(Outcome::failure);
  CHECK(redis.cli({"GET", "cb:x:state"}) == "closed");
  CHECK(b.breaker.detailed_status().open_locally);
}

TEST_CASE("an instance whose local breaker is open recovers by its own probe") {
  TestRedis redis;
  Policy policy = two_must_agree;
  policy.recovery_timeout = 5ms;
  Member b(redis, policy, "b");
  for (int i = 0; i < 3; ++i) b.call(Outcome::failure);
  while (b.breaker.status().retry_after > 0ms) std::this_thread::yield();
  b.call(Outcome::success);
  CHECK_FALSE(b.breaker.detailed_status().open_locally);
  CHECK(b.causes().back() == "this instance only: 1 successful probe");
}

TEST_CASE("a transition of the shared circuit resets each instance's local count") {
  TestRedis redis;
  Member a(redis, two_must_agree, "a"), b(redis, two_must_agree, "b");
  for (int i = 0; i < 3; ++i) b.call(Outcome::failure);
  CHECK(b.breaker.detailed_status().open_locally);
  a.breaker.apply_override({Mode::reset, "ann", ""}, {});
  CHECK(b.breaker.status().state == State::closed);
  CHECK_FALSE(b.rejected());
}

TEST_CASE("Redis keeps no more reporters than the quorum needs") {
  TestRedis redis;
  Policy policy = two_must_agree;
  policy.failure_threshold = 1000;
  for (int i = 0; i < 20; ++i) Member(redis, policy, "instance-" + std::to_string(i)).call(Outcome::failure);
  CHECK(redis.cli({"ZCARD", "cb:x:reporters"}) == "2");
}

TEST_CASE("an override takes precedence over an instance's local breaker") {
  TestRedis redis;
  Member a(redis, two_must_agree, "a"), b(redis, two_must_agree, "b");
  for (int i = 0; i < 3; ++i) b.call(Outcome::failure);
  CHECK(b.rejected());
  for (const Mode mode : {Mode::forced_closed, Mode::disabled, Mode::metrics_only}) {
    a.breaker.apply_override({mode, "ann", ""}, {});
    CHECK(eventually([&] { return b.breaker.detailed_status().active_override.mode == mode; }));
    for (int i = 0; i < 5; ++i) CHECK(b.call(Outcome::failure).state == State::closed);
    CHECK_FALSE(b.breaker.detailed_status().open_locally);
  }
  a.breaker.apply_override({Mode::forced_open, "ann", ""}, {});
  CHECK(eventually([&] { return b.breaker.known_state() == State::open; }));
  CHECK(b.rejected());
}

TEST_CASE("transitions of the local breaker are reported, from opening to the reset by the fleet") {
  TestRedis redis;
  Member a(redis, two_must_agree, "a"), b(redis, two_must_agree, "b");
  for (int i = 0; i < 3; ++i) b.call(Outcome::failure);
  a.breaker.apply_override({Mode::reset, "ann", ""}, {});
  CHECK(eventually([&] { return !b.rejected(); }));
  CHECK(b.causes() ==
        std::vector<std::string>{"this instance only: 3 consecutive failures", "this instance only: reset by fleet"});
}

TEST_CASE("a slow success does not make its instance a reporter") {
  TestRedis redis;
  Policy policy = two_must_agree;
  policy.failure_threshold = 0;
  policy.failure_rate_threshold = 0.5;
  policy.minimum_number_of_calls = 4;
  policy.slow_call_duration_threshold = 1ms;
  Member a(redis, policy, "a"), b(redis, policy, "b");
  Admission slow = b.breaker.acquire();
  std::this_thread::sleep_for(2ms);  // makes it slow
  std::get<Permit>(slow).settle(Outcome::success);
  for (int i = 0; i < 3; ++i) a.call(Outcome::failure);
  CHECK(redis.cli({"GET", "cb:x:state"}) == "closed");
  CHECK(redis.cli({"ZCARD", "cb:x:reporters"}) == "1");
  CHECK(redis.cli({"ZRANGE", "cb:x:reporters", "0", "-1"}).rfind("a#", 0) == 0);
}

TEST_CASE("reporters from before Redis's clock was set back do not count for the quorum") {
  TestRedis redis;
  Member a(redis, two_must_agree, "a");
  a.call(Outcome::failure);
  redis.cli({"ZADD", "cb:x:reporters", "8000000000000000", "b", "8000000000000000", "c"});
  for (int i = 0; i < 5 && !a.rejected(); ++i) a.call(Outcome::failure);
  CHECK(redis.cli({"GET", "cb:x:state"}) == "closed");
  CHECK(redis.cli({"ZCARD", "cb:x:reporters"}) == "1");
  CHECK(redis.cli({"ZRANGE", "cb:x:reporters", "0", "-1"}).rfind("a#", 0) == 0);
  CHECK(std::stol(redis.cli({"PTTL", "cb:x:reporters"})) > 0);
}

// LAB_CALLS sets the number of calls; a million takes a minute and gives the same figure.
TEST_CASE("a breaker takes at most 1 KiB in Redis, however many calls it has seen") {
  constexpr int workers = 8;
  const char* const asked_for = std::getenv("LAB_CALLS");
  const int calls = asked_for != nullptr ? std::atoi(asked_for) : 20'000;
  TestRedis redis;
  Policy policy = rates;
  policy.failure_rate_threshold = 1;
  policy.slow_call_rate_threshold = 1;
  policy.slow_call_duration_threshold = 1h;
  policy.probe_timeout = 2h;
  policy.sliding_window_size = 1s;  // so that all ten buckets are used
  policy.minimum_number_of_calls = 1'000'000;
  policy.minimum_reporting_instances = 3;
  redis::Client pool(redis::parse_url(redis.server.url()), 5s);
  {
    std::vector<std::jthread> running;
    for (int worker = 0; worker < workers; ++worker) {
      running.emplace_back([&, worker] {
        const std::string instance = "Instance-" + std::to_string(worker);
        FallbackBreaker breaker(redis_group(pool, policy, Listener{}, instance), {"unreliable_service"});
        const PermitId id = std::get<Permit>(breaker.acquire()).id();
        for (int i = 0; i < calls / workers; ++i) {
          Permit(breaker, id, steady_wall_clock()).settle(i % 3 == 0 ? Outcome::failure : Outcome::success);
        }
      });
    }
  }
  long most = 0;
  FallbackBreaker breaker(redis_group(pool, policy, Listener{}, "Instance-0"), {"unreliable_service"});
  REQUIRE(eventually([&] {  // a slow machine may have skipped a bucket
    permit(breaker).settle(Outcome::failure);
    most = memory(redis, "cb:*");
    const std::string window = redis.cli({"GET", "cb:unreliable_service:window"});
    return std::count(window.begin(), window.end(), '/') == 10 * 2;
  }));
  MESSAGE("memory of one breaker after ", calls, " calls: ", most, " bytes");
  CHECK(most <= 1024);
  CHECK(redis.cli({"DBSIZE"}) == "6");
}
