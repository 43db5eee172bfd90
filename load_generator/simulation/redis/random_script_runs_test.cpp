// The breaker's script in a VirtualRedis, held to the same script in a real server: random policies, callers that know
// more, less or something else, and keys that other programs write, delete, flush or that the server evicts.
#include <doctest/doctest.h>

#include <map>
#include <memory>

#include "load_generator/simulation/redis/compared_servers_for_test.hpp"
#include "redis_breaker/script/script_call.hpp"

using namespace simulation;
using namespace std::chrono_literals;

namespace {

const cb::BreakerKeys keys{"sim", "cb:sim:", "cb:sim:news"};
constexpr std::array key_names{"state", "failures", "last_failure", "breaker", "probes", "window", "reporters"};

std::string replaced(std::string text, const std::string& part, const std::string& by) {
  const auto at = text.find(part);
  REQUIRE(at != std::string::npos);
  return text.replace(at, part.size(), by);
}

// The script reads the time from keys that the test writes. On the real server it reads what the virtual one says in
// INFO from there too: so evictions need no full memory.
cb::Script with_held_time() {
  cb::Script script = cb::breaker_script_source();
  script.source = replaced(script.source, "redis.call('TIME')", "redis.call('MGET', 'test:s', 'test:us')");
  return script;
}

cb::Script with_held_info(cb::Script script) {
  script.source = replaced(script.source, "redis.pcall('INFO', section)", "redis.pcall('GET', 'test:' .. section)");
  return script;
}

cb::Policy random_policy(Choices& choose) {
  const auto time = [&choose](int least, int most) { return std::chrono::milliseconds(choose.number(least, most)); };
  cb::Policy policy{.failure_threshold = choose.number(1, 4),
                    .minimum_reporting_instances = choose.one_in(3) ? choose.number(1, 3) : 1,
                    .recovery_timeout = time(1, 5),
                    .permitted_calls_in_half_open = choose.number(1, 3),
                    .success_threshold = choose.number(1, 3),
                    .probe_timeout = time(1, 4),
                    .half_open_timeout = choose.one_in(2) ? time(1, 10) : 0ms};
  if (choose.one_in(2)) policy.failure_rate_threshold = choose.number(1, 10) / 10.0;
  if (choose.one_in(2)) policy.slow_call_duration_threshold = policy.probe_timeout - 1ms;
  if (choose.one_in(3)) policy.slow_call_rate_threshold = choose.number(1, 100) / 100.0;
  policy.sliding_window_size = time(10, 40);
  policy.minimum_number_of_calls = choose.number(1, 8);
  if (choose.one_in(2)) policy.clear_interval = time(1, 30);
  if (choose.one_in(2)) policy.recovery_timeout_multiplier = 1 + choose.number(1, 20) / 10.0;
  if (choose.one_in(2)) policy.recovery_timeout_jitter = choose.number(0, 10) / 10.0;
  return policy;
}

// One instance of the fleet: its callers, and what it knows.
struct Instance {
  Instance(const cb::Policy& policy, const std::string& name, const cb::Script& on_virtual, const cb::Script& on_real)
      : virtual_caller(policy, name, std::make_shared<const cb::Script>(on_virtual)),
        real_caller(policy, name, std::make_shared<const cb::Script>(on_real)) {}

  void learn(const cb::Answer& answer) {
    known = {.generation = answer.generation,
             .state = answer.state,
             .epoch = answer.epoch,
             .run = answer.origin.run,
             .open_for = answer.wait,
             .at = answer.now,
             .removals = answer.removals.value_or(known.removals),
             .failures = answer.failures,
             .active_override = answer.active_override};
    if (answer.override_until) known.override_for = *answer.override_until - answer.now;
    for (const cb::Reply& reply : answer.replies) {
      if (reply.kind == cb::Reply::Kind::admitted) permits.push_back(reply.permit);
    }
    if (permits.size() > 20) permits.erase(permits.begin(), permits.begin() + 10);
  }

  cb::ScriptCaller virtual_caller, real_caller;
  cb::LastKnown known{};
  std::vector<cb::PermitId> permits{};
};

class RandomRuns {
 public:
  // Three instances, one of which has another policy now and then.
  RandomRuns(ComparedServers& servers, const cb::Script& on_virtual, const cb::Script& on_real, unsigned seed)
      : servers_(servers), choose_(seed) {
    servers_.check({"FLUSHALL"});
    const cb::Policy policy = random_policy(choose_);
    for (const char* name : {"A", "B", "C"}) {
      instances_.emplace_back(choose_.one_in(8) ? random_policy(choose_) : policy, name, on_virtual, on_real);
    }
  }

  std::map<std::string, unsigned> causes{};  // of transitions, and how often
  unsigned errors = 0;

  void step() {
    now_ += choose_.of(std::array{0us, 1us, 500us, 1000us, 2000us, 5000us, 20'000us});
    if (choose_.one_in(50)) now_ -= choose_.of(std::array{1us, 2000us, 30'000us, 3'600'000'000us});
    if (choose_.one_in(60)) now_ += choose_.of(std::array{12h, 24h, 800h});
    if (choose_.one_in(5)) disturb();
    write_time_and_info();
    run(instances_[static_cast<size_t>(choose_.number(0, 2))]);
    check_keys();
  }

 private:
  void run(Instance& instance) {
    const cb::LastKnown known = random_known(instance);
    const auto events = random_events(instance);
    const auto writes = choose_.one_in(10) ? cb::StateStore::Writes::always : cb::StateStore::Writes::if_changed;
    cb::ScriptCall on_virtual = instance.virtual_caller.call(keys, known, events, writes);
    cb::ScriptCall on_real = instance.real_caller.call(keys, known, events, writes);
    for (;;) {
      const auto [virtual_reply, real_reply] = servers_.execute(on_virtual.command(), on_real.command(), 0);
      const bool continues = on_virtual.continues_after(virtual_reply);
      REQUIRE(continues == on_real.continues_after(real_reply));
      if (!continues) return learn(instance, on_virtual.result_of(virtual_reply));
    }
  }

  void learn(Instance& instance, const cb::StoreResult& result) {
    if (std::holds_alternative<cb::StoreTrouble>(result)) {
      ++errors;
      return;
    }
    const auto& answer = std::get<cb::Answer>(result);
    instance.learn(answer);
    for (const cb::Reply& reply : answer.replies) {
      for (const cb::Transition& transition : reply.transitions) ++causes[transition.cause];
    }
  }

  cb::LastKnown random_known(const Instance& instance) {
    if (choose_.one_in(20)) return {};
    cb::LastKnown known = instance.known;
    known.is_count_due = choose_.one_in(5);
    if (choose_.one_in(30)) known.run ^= 1U;
    if (choose_.one_in(30)) known.generation += static_cast<uint64_t>(choose_.number(1, 3));
    if (choose_.one_in(30)) known.epoch += static_cast<uint64_t>(choose_.number(1, 3));
    if (choose_.one_in(30)) known.state = static_cast<cb::State>(choose_.number(0, 2));
    return known;
  }

  std::vector<cb::Event> random_events(const Instance& instance) {
    std::vector<cb::Event> events;
    for (int count = choose_.number(0, 3); count > 0; --count) events.push_back(random_event(instance));
    return events;
  }

  cb::Event random_event(const Instance& instance) {
    if (choose_.one_in(30)) return random_override();
    if (choose_.one_in(30)) return cb::HealthReport{choose_.one_in(2) ? cb::Health::up : cb::Health::down};
    if (choose_.one_in(10)) return cb::Tick{};
    if (instance.permits.empty() || choose_.one_in(2)) return cb::Acquire{};
    const auto outcome = static_cast<cb::Outcome>(choose_.one_in(2) ? 1 : choose_.number(0, 2));
    const auto took = choose_.of(std::array{0us, 500us, 1000us, 2000us, 3000us});
    return cb::Settle{choose_.of(instance.permits), {outcome, took}, choose_.one_in(10) ? 3U : 1U};
  }

  cb::ApplyOverride random_override() {
    const auto mode = static_cast<cb::Mode>(choose_.number(0, 5));
    const auto lasts = std::chrono::milliseconds(choose_.one_in(2) ? choose_.number(1, 20) : 0);
    return {{mode, "tester", choose_.one_in(2) ? "why not" : ""}, lasts};
  }

  void disturb() {
    if (choose_.one_in(4)) return evict(choose_.number(1, 7));
    if (choose_.one_in(12)) return servers_.check({choose_.of(std::array{"FLUSHALL", "FLUSHDB"})});
    if (choose_.one_in(12)) return servers_.check({"SCRIPT", "FLUSH"});
    if (choose_.one_in(12)) return servers_.check({"CONFIG", "RESETSTAT"});
    servers_.check(random_write());
  }

  ComparedServers::Command random_write() {
    const std::string key = keys.prefix + choose_.of(key_names);
    const std::string value = choose_.of(std::array{"open", "closed", "half_open", "banana", "0", "3", "1000000.5"});
    const std::string field = choose_.of(std::array{"generation", "state", "mode", "held", "open_until"});
    switch (choose_.number(0, 9)) {
      case 0:
        return {"DEL", key};
      case 1:
        return {"SET", key, value};
      case 2:
        return {"SET", keys.prefix + "state", value, "PX", "90000000"};
      case 3:
        return {"SET", keys.prefix + "failures", value};
      case 4:
        return {"HSET", keys.prefix + "breaker", field, value};
      case 5:
        return {"HDEL", keys.prefix + "breaker", field};
      case 6:
        return {"ZADD", keys.prefix + "probes", "1000000000001", "1"};
      case 7:
        return {"PEXPIRE", key, choose_.of(std::array{"0", "1000000", "90000000"})};
      case 8:
        return {"DEL", keys.prefix + "state", keys.prefix + "breaker"};
      default:
        return {"SET", keys.prefix + "last_failure", value};
    }
  }

  // The real server is full only as far as the script can see.
  void evict(int count) {
    for (; count > 0; --count) {
      const std::string key = keys.prefix + choose_.of(key_names);
      servers_.virtual_redis().evict(key);
      servers_.real_reply({"DEL", key});
      servers_.check_pushes("an eviction of " + key);
    }
  }

  void write_time_and_info() {
    const int64_t count = now_.time_since_epoch().count();
    for (const auto& [key, value] : {std::pair{"test:s", count / 1'000'000}, {"test:us", count % 1'000'000}}) {
      write(key, std::to_string(value));
    }
    for (const std::string section : {"server", "stats", "commandstats"}) {
      const auto info = servers_.virtual_redis().execute({"INFO", section}, servers_.now());
      write("test:" + section, std::string(cb::redis::text_of(*info)));
    }
  }

  // Only if it has another value: most steps need no write.
  void write(const std::string& key, const std::string& value) {
    const auto held = servers_.virtual_redis().data().find(key);
    const bool has_value =
        held != servers_.virtual_redis().data().end() && std::get<std::string>(held->second.value) == value;
    if (!has_value) servers_.check({"SET", key, value});
  }

  void check_keys() {
    constexpr const char* read = R"(
      local function sorted(pairs)
        local fields = {}
        for i = 1, #pairs, 2 do fields[#fields + 1] = pairs[i] .. '=' .. pairs[i + 1] end
        table.sort(fields)
        return fields
      end
      local all = {}
      for i, key in ipairs(KEYS) do
        local kind, value = redis.call('TYPE', key).ok, false
        if kind == 'string' then value = redis.call('GET', key) end
        if kind == 'hash' then value = sorted(redis.call('HGETALL', key)) end
        if kind == 'zset' then value = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') end
        all[i] = {kind, value or 0, redis.call('PTTL', key)}
      end
      return all)";
    ComparedServers::Command command{"EVAL", read, std::to_string(key_names.size())};
    for (const char* name : key_names) command.push_back(keys.prefix + name);
    servers_.check(command);
  }

  ComparedServers& servers_;
  Choices choose_;
  cb::TimePoint now_{1'000'000s};
  std::vector<Instance> instances_;
};

}  // namespace

TEST_CASE("random runs of the breaker's script have the replies, the pushes and the keys of a real server") {
  constexpr unsigned steps_each = 100;
  const unsigned histories = events_to_compare(4000) / steps_each;
  ComparedServers servers(keys.channel);
  cb::Script on_virtual = with_held_time();
  cb::Script on_real = with_held_info(on_virtual);
  on_virtual.sha1 = servers.real_reply({"SCRIPT", "LOAD", on_virtual.source});
  on_real.sha1 = servers.real_reply({"SCRIPT", "LOAD", on_real.source});
  servers.check({"SCRIPT", "FLUSH"});
  std::map<std::string, unsigned> causes;
  unsigned errors = 0;
  for (unsigned seed = 1; seed <= histories; ++seed) {
    CAPTURE(seed);
    RandomRuns runs(servers, on_virtual, on_real, seed);
    for (unsigned step = 0; step < steps_each; ++step) {
      CAPTURE(step);
      runs.step();
    }
    for (const auto& [cause, times] : runs.causes) causes[cause] += times;
    errors += runs.errors;
  }
  CHECK(errors <= histories / 10);  // on both servers, where an override's end lies days back
  for (const std::string cause : {"1 consecutive failure", "1 of 1 call failed", "probe failed", "probe timed out",
                                  "half-open timeout over", "written from outside", "state gone: flushed or deleted",
                                  "state lost: the server removed it", "state lost: it went back to an older one"}) {
    CAPTURE(cause);
    CHECK(causes[cause] >= histories / 20);  // the runs reach the interesting states
  }
}
