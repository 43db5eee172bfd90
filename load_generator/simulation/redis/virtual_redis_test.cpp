#include "load_generator/simulation/redis/virtual_redis.hpp"

#include <doctest/doctest.h>

#include "redis_breaker/script/script_call.hpp"

using namespace simulation;
using namespace std::chrono_literals;

namespace {

const cb::BreakerKeys keys{"sim", "cb:sim:", "cb:sim:news"};

cb::StoreResult apply(VirtualRedis& redis, const cb::ScriptCaller& caller, const std::vector<cb::Event>& events,
                      cb::TimePoint now) {
  cb::ScriptCall call = caller.call(keys, {}, events, cb::StateStore::Writes::if_changed);
  cb::redis::Reply reply = redis.execute(call.command(), now);
  while (call.continues_after(reply)) reply = redis.execute(call.command(), now);
  return call.result_of(reply);
}

}  // namespace

TEST_CASE("the breaker's script opens the circuit, and says so on its channel") {
  VirtualRedis redis(42);
  const cb::ScriptCaller caller({}, "tester", std::make_shared<const cb::Script>(cb::breaker_script_source()));
  cb::TimePoint now{1'000'000s};
  const auto first = apply(redis, caller, {cb::Acquire{}}, now);
  if (auto* trouble = std::get_if<cb::StoreTrouble>(&first)) FAIL(trouble->what);
  const cb::PermitId permit = std::get<cb::Answer>(first).replies.front().permit;
  redis.take_pushes();
  for (int i = 0; i < 3; ++i) apply(redis, caller, {cb::Settle{permit, {cb::Outcome::failure}}}, now);
  const auto last = apply(redis, caller, {cb::Acquire{}}, now);
  CHECK(std::get<cb::Answer>(last).state == cb::State::open);
  CHECK(std::get<cb::Answer>(last).replies.front().kind == cb::Reply::Kind::rejected);
  CHECK(std::get<std::string>(redis.data().at("cb:sim:state").value) == "open");
  size_t messages = 0;
  for (const Push& push : redis.take_pushes()) messages += push.kind == Push::Kind::message ? 1 : 0;
  CHECK(messages == 1);
  CHECK(redis.scripts_run() == 5);
}
