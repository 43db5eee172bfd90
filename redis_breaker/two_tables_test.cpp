// One behaviour, two tables: state_machine.cpp and state_machine.lua, event by event. The script runs in a real Redis
// and is the shipped one but for one line: the time comes from two keys that the test writes.
#include <doctest/doctest.h>

#include <random>

#include "redis_breaker/redis_for_test.hpp"
#include "redis_breaker/shared_table.hpp"
#include "simple_breaker/trace.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

const std::string name = "traced";
const std::string read_all = R"(return {
  redis.call('MGET', 'cb:traced:state', 'cb:traced:failures'),
  redis.call('HMGET', 'cb:traced:breaker', 'generation', 'open_until', 'successes', 'probes_granted'),
  redis.call('ZRANGE', 'cb:traced:probes', 0, -1, 'WITHSCORES')})";

Script script_with_held_time(TestRedis& redis) {
  const std::string shipped = "redis.call('TIME')";
  Script script = state_machine_script();
  const auto at = script.source.find(shipped);
  REQUIRE(at != std::string::npos);
  script.source.replace(at, shipped.size(), "redis.call('MGET', 'test:s', 'test:us')");
  REQUIRE(script.source.find(shipped) == std::string::npos);
  script.sha1 = redis.cli({"SCRIPT", "LOAD", script.source});
  return script;
}

class RedisTable final : public Table {
 public:
  RedisTable(TestRedis& redis, const Policy& policy, TimePoint now)
      : redis_(redis), table_(redis.redis, name, policy, script_with_held_time(redis)) {
    redis_.cli({"FLUSHALL"});
    set_time(now);
    run(table_.look({}));
  }

  Decision admit(TimePoint now) override {
    set_time(now);
    const SharedAnswer answer = run(table_.acquire({}));
    if (answer.kind == SharedAnswer::Kind::permit) return {PermitId{answer.generation, answer.probe}, only(answer)};
    return {Rejection{answer.state, retry_after(answer.now + answer.wait, answer.now)}, only(answer)};
  }

  Settlement settle(const PermitId& permit, Outcome outcome, TimePoint now) override {
    set_time(now);
    const SharedAnswer answer = run(table_.settle({}, permit, outcome));
    return {answer.kind == SharedAnswer::Kind::late, only(answer)};
  }

  // Read from the keys, not from the script's answer: what is stored is what counts.
  Snapshot look() override {
    std::istringstream stored(redis_.cli({"EVAL", read_all, "0"}));
    Snapshot snapshot;
    std::string state;
    int64_t open_until = 0;
    stored >> state >> snapshot.failures >> snapshot.generation >> open_until >> snapshot.successes >>
        snapshot.probes_granted;
    REQUIRE(stored);
    snapshot.state = state_of(state);
    snapshot.open_until = TimePoint(std::chrono::microseconds(open_until));
    for (int64_t probe = 0, deadline = 0; stored >> probe >> deadline;) {
      snapshot.probes.push_back({static_cast<uint64_t>(probe), TimePoint(std::chrono::microseconds(deadline))});
    }
    return snapshot;
  }

 private:
  void set_time(TimePoint now) {
    const int64_t count = now.time_since_epoch().count();
    redis_.cli({"MSET", "test:s", std::to_string(count / 1'000'000), "test:us", std::to_string(count % 1'000'000)});
  }

  static State state_of(const std::string& text) {
    for (const State state : {State::open, State::half_open}) {
      if (cb::to_text(state) == text) return state;
    }
    REQUIRE(text == "closed");
    return State::closed;
  }

  static SharedAnswer run(const SharedTable::Result& result) {
    const auto* trouble = std::get_if<StoreTrouble>(&result);
    REQUIRE_MESSAGE(trouble == nullptr, trouble->what);
    return std::get<SharedAnswer>(result);
  }

  static std::optional<Transition> only(const SharedAnswer& answer) {
    REQUIRE(answer.transitions.size() <= 1);
    return answer.transitions.empty() ? std::nullopt : std::optional(answer.transitions.front());
  }

  TestRedis& redis_;
  const SharedTable table_;
};

// Random events for both tables: small thresholds and few instants, so that boundaries are met all the time.
class RandomStory {
 public:
  RandomStory(TestRedis& redis, unsigned seed)
      : dice_(seed), policy_(random_policy()), local_(policy_, now_), shared_(redis, policy_, now_) {}

  void step() {
    now_ += pick({0us, 0us, 0us, 1us, 500us, 1000us, 1999us, 2000us, 5000us});
    if (permits_.empty() || dice_() % 2 == 0) {
      acquire();
    } else {
      settle();
    }
    REQUIRE(by_number(local_.look()) == by_number(shared_.look()));
  }

 private:
  Policy random_policy() {
    return {static_cast<int>(1 + dice_() % 4), std::chrono::milliseconds(1 + dice_() % 5),
            static_cast<int>(1 + dice_() % 3), static_cast<int>(1 + dice_() % 3),
            std::chrono::milliseconds(1 + dice_() % 4)};
  }

  std::chrono::microseconds pick(const std::vector<std::chrono::microseconds>& from) {
    return from[dice_() % from.size()];
  }

  void acquire() {
    const Decision local = local_.admit(now_);
    const Decision shared = shared_.admit(now_);
    REQUIRE(local.answer == shared.answer);
    REQUIRE(local.transition == shared.transition);
    if (const auto* permit = std::get_if<PermitId>(&local.answer)) permits_.push_back(*permit);
  }

  void settle() {
    const size_t which = dice_() % permits_.size();
    const auto outcome = static_cast<Outcome>(dice_() % 8 < 5 ? 1 : dice_() % 3);  // mostly failures
    const Settlement local = local_.settle(permits_[which], outcome, now_);
    const Settlement shared = shared_.settle(permits_[which], outcome, now_);
    REQUIRE(local.late == shared.late);
    REQUIRE(local.transition == shared.transition);
    if (dice_() % 8 != 0) permits_.erase(permits_.begin() + static_cast<long>(which));  // else: settled once more
  }

  static Snapshot by_number(Snapshot snapshot) {
    std::sort(snapshot.probes.begin(), snapshot.probes.end(), [](auto& a, auto& b) { return a.probe < b.probe; });
    return snapshot;
  }

  std::mt19937 dice_;
  TimePoint now_{1'000'000s};
  const Policy policy_;
  LocalTable local_;
  RedisTable shared_;
  std::vector<PermitId> permits_;
};

}  // namespace

TEST_CASE("the script behaves as each golden trace says") {
  TestRedis redis;
  const auto traces = read_traces(LAB_SOURCE_DIR "/simple_breaker/traces");
  CHECK(traces.size() >= 5);
  for (const NamedTrace& trace : traces) {
    CAPTURE(trace.name);
    RedisTable table(redis, policy_of(trace.text), TimePoint{});
    CHECK(replay(trace.text, table) == trace.text);
  }
}

TEST_CASE("100,000 random events: after each one both tables gave the same answer and hold the same snapshot") {
  constexpr int stories = 500;
  constexpr int events_each = 200;
  TestRedis redis;
  for (unsigned seed = 1; seed <= stories; ++seed) {
    CAPTURE(seed);
    RandomStory story(redis, seed);
    for (int event = 0; event < events_each; ++event) {
      CAPTURE(event);
      story.step();
    }
  }
}
