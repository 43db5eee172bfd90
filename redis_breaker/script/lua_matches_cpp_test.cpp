// One behaviour, two tables: state_machine.cpp and state_machine.lua, event by event. The script runs in a real Redis
// and is the shipped one except for one line: it reads the time from two keys that the test writes.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "redis_breaker/redis/client_for_test.hpp"
#include "redis_breaker/script/redis_store.hpp"
#include "simple_breaker/traces/random_events.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

const std::string name = "traced";
const std::string read_all = R"(
  local held = redis.call('HMGET', 'cb:traced:breaker', 'generation', 'open_until', 'break_length', 'half_open_until',
                          'successes', 'probes_granted', 'lease_length', 'timed_out_generation', 'timed_out_probe',
                          'mode_until', 'mode_length', 'clear_at', 'mode')
  for i = 1, 12 do held[i] = held[i] or '0' end
  held[13] = held[13] or 'auto'
  return {redis.call('MGET', 'cb:traced:state', 'cb:traced:failures'), held,
          redis.call('ZCARD', 'cb:traced:probes'), redis.call('ZRANGE', 'cb:traced:probes', 0, -1, 'WITHSCORES'),
          redis.call('GET', 'cb:traced:window') or '0'})";

Script script_with_held_time(TestRedis& redis) {
  const std::string shipped = "redis.call('TIME')";
  Script script = breaker_script_source();
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
      : redis_(redis), store_(redis.client, policy, "tester", script_with_held_time(redis)) {
    redis_.cli({"FLUSHALL"});
    apply(Acquire{}, now);
  }

  Reply apply(const Event& event, TimePoint now) override {
    set_time(now);
    may_be_quick_ = !may_be_quick_;  // quick_result.lua leaves a run that counts removals to the rest
    const StoreResult result = store_.apply(name, {.is_count_due = !may_be_quick_}, {event});
    const auto* trouble = std::get_if<StoreTrouble>(&result);
    REQUIRE_MESSAGE(trouble == nullptr, trouble->what);
    return std::get<Answer>(result).replies.front();
  }

  // Read from the keys, not from the script's reply: the stored state is what counts.
  Snapshot snapshot() override {
    std::istringstream stored(redis_.cli({"EVAL", read_all, "0"}));
    Snapshot snapshot;
    std::string state, mode;
    int64_t open_until = 0, break_length = 0, half_open_until = 0, lease_length = 0, mode_until = 0, mode_length = 0,
            clear_at = 0;
    size_t probes = 0;
    stored >> state >> snapshot.counts.failures >> snapshot.generation >> open_until >> break_length >>
        half_open_until >> snapshot.successes >> snapshot.probes_granted >> lease_length >>
        snapshot.timed_out.generation >> snapshot.timed_out.probe >> mode_until >> mode_length >> clear_at >> mode >>
        probes;
    REQUIRE(stored);
    snapshot.state = state_from(state).value();
    snapshot.open_until = time(open_until);
    snapshot.break_length = std::chrono::microseconds(break_length);
    snapshot.half_open_until = time(half_open_until);
    snapshot.lease_length = std::chrono::microseconds(lease_length);
    snapshot.mode_length = std::chrono::microseconds(mode_length);
    snapshot.mode = mode_from(mode).value();
    snapshot.mode_until = time(mode_until);
    snapshot.counts.clear_at = time(clear_at);
    for (uint64_t probe = 0, deadline = 0; snapshot.probes.size() < probes && stored >> probe >> deadline;) {
      snapshot.probes.push_back({probe, time(static_cast<int64_t>(deadline))});
    }
    read_window(stored, snapshot.counts.window);
    return snapshot;
  }

 private:
  void set_time(TimePoint now) {
    if (now == time_) return;
    time_ = now;
    const int64_t count = now.time_since_epoch().count();
    redis_.cli({"MSET", "test:s", std::to_string(count / 1'000'000), "test:us", std::to_string(count % 1'000'000)});
  }

  static TimePoint time(int64_t count) { return TimePoint(std::chrono::microseconds(count)); }

  static void read_window(std::istream& stored, SlidingWindow& window) {
    stored >> window.newest;
    char slash = '/';
    for (int64_t bucket = window.newest; stored; --bucket) {
      CallCounts counts;
      if (!(stored >> counts.calls >> slash >> counts.failures >> slash >> counts.slow)) return;
      window.held[static_cast<size_t>(bucket % SlidingWindow::buckets)] = counts;
    }
  }

  TestRedis& redis_;
  RedisStore store_;
  std::optional<TimePoint> time_;
  bool may_be_quick_ = false;
};

}  // namespace

TEST_CASE("each file of the script is complete by itself: Redis compiles it") {
  TestRedis redis;
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(LAB_SOURCE_DIR "/redis_breaker/script")) {
    if (entry.path().extension() != ".lua") continue;
    CAPTURE(entry.path());
    std::ostringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    CHECK(redis.client.command({"SCRIPT", "LOAD", text.str()}).error() == "");
    ++files;
  }
  CHECK(files == 8);
}

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

TEST_CASE("after each random event both tables give the same answer and hold the same snapshot") {
  constexpr int events_each = 200;
  const char* const asked_for = std::getenv("LAB_EVENTS");
  const auto runs = asked_for != nullptr ? static_cast<unsigned>(std::stoul(asked_for)) / events_each : 200U;
  TestRedis redis;
  unsigned would_have_tripped = 0;
  std::map<std::string, unsigned> causes;
  for (unsigned seed = 1; seed <= runs; ++seed) {
    CAPTURE(seed);
    RandomEvents events(seed);
    LocalTable local(events.policy(), events.now());
    RedisTable shared(redis, events.policy(), events.now());
    for (int event = 0; event < events_each; ++event) {
      CAPTURE(event);
      REQUIRE(events.step(local, shared) == "");
    }
    would_have_tripped += events.would_have_tripped();
    for (const auto& [cause, times] : events.causes()) causes[cause] += times;
  }
  CHECK(would_have_tripped > runs / 5);  // the events reach the interesting states
  for (const char* cause : {"1 consecutive failure", "probe failed", "probe timed out", "half-open timeout over",
                            "forced open: expired", "a probe succeeded after its timeout", "1 successful probe"}) {
    CAPTURE(cause);
    CHECK(causes[cause] > runs / 10);
  }
}
