// Against a real, private Redis.
#include "load_generator/fleet/redis_faults.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <thread>

#include "load_generator/fleet/redis_console.hpp"
#include "load_generator/tests/seen_for_test.hpp"

using namespace load;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds answer_patience{10'000};

bool answers(const RedisConsole& console) {
  try {
    return console.ask({"PING"}) == "PONG";
  } catch (const std::runtime_error&) {
    return false;
  }
}

}  // namespace

TEST_CASE("a flushed Redis has no keys") {
  program::PrivateRedis redis;
  const RedisConsole console(redis.port());
  CHECK(console.ask({"SET", "key", "value"}) == "OK");
  inject(RedisFault::flush, redis);
  CHECK(console.ask({"EXISTS", "key"}) == "0");
}

TEST_CASE("a killed Redis is gone, and a restarted one is another server, empty, on the same port") {
  program::PrivateRedis redis;
  const RedisConsole console(redis.port());
  CHECK(console.ask({"SET", "key", "value"}) == "OK");
  const std::string first = console.ask({"INFO", "server"});
  inject(RedisFault::kill, redis);
  CHECK_FALSE(answers(console));
  inject(RedisFault::restart, redis);
  CHECK(comes_true([&] { return answers(console); }));
  CHECK(console.ask({"EXISTS", "key"}) == "0");
  CHECK(console.ask({"INFO", "server"}) != first);
}

TEST_CASE("a running Redis can be restarted, too") {
  program::PrivateRedis redis;
  const RedisConsole console(redis.port());
  CHECK(console.ask({"SET", "key", "value"}) == "OK");
  inject(RedisFault::restart, redis);
  CHECK(comes_true([&] { return answers(console); }));
  CHECK(console.ask({"EXISTS", "key"}) == "0");
}

TEST_CASE("a stopped Redis does not answer until it continues, with all its keys") {
  program::PrivateRedis redis;
  const RedisConsole console(redis.port(), answer_patience);
  CHECK(console.ask({"SET", "key", "value"}) == "OK");
  inject(RedisFault::stop, redis);
  CHECK_FALSE(answers(RedisConsole(redis.port(), milliseconds(100))));
  inject(RedisFault::resume, redis);
  CHECK(console.ask({"GET", "key"}) == "value");
}

TEST_CASE("a missing answer or an error becomes one line that names command and server") {
  program::PrivateRedis redis;
  const std::string port = std::to_string(redis.port());
  CHECK_THROWS_WITH_AS(RedisConsole(redis.port()).ask({"DANCE"}),
                       doctest::Contains(("redis on port " + port + ": DANCE: ERR unknown command").c_str()),
                       std::runtime_error);
  redis.kill();
  CHECK_THROWS_WITH_AS(inject(RedisFault::flush, redis), doctest::Contains("FLUSHALL: Connection refused"),
                       std::runtime_error);
}

TEST_CASE("only a Redis that no fault killed counts as ended by itself") {
  program::PrivateRedis redis;
  require_alive({}, redis);
  redis.kill();
  require_alive({{milliseconds(10), RedisFault::kill}}, redis);
  CHECK_THROWS_WITH_AS(require_alive({{milliseconds(10), RedisFault::flush}}, redis),
                       doctest::Contains("has ended by itself"), std::runtime_error);
}

TEST_CASE("EVAL and EVALSHA count as scripts, other commands do not") {
  program::PrivateRedis redis;
  const RedisConsole console(redis.port());
  const auto run = [&] { return scripts_run(console.ask({"INFO", "commandstats"})); };
  CHECK(run() == 0);
  console.ask({"EVAL", "return redis.call('SET', KEYS[1], 1)", "1", "key"});
  console.ask({"EVALSHA", console.ask({"SCRIPT", "LOAD", "return 1"}), "0"});
  console.ask({"PING"});
  CHECK(run() == 2);
}

TEST_CASE("only connections that receive pushes are cut") {
  program::PrivateRedis redis;
  const RedisConsole console(redis.port());
  const auto client = [&](const std::string& commands) {
    return program::ChildProcess(
        {"sh", "-c", "(" + commands + "; sleep 60) | exec redis-cli -p " + std::to_string(redis.port())});
  };
  program::ChildProcess tracking = client("echo HELLO 3; echo CLIENT TRACKING ON BCAST; echo PING");
  program::ChildProcess other = client("echo PING");
  tracking.wait_for_line("PONG");
  other.wait_for_line("PONG");
  CHECK(cut_pushes(console) == 1);
  CHECK(cut_pushes(console) == 0);
  CHECK(console.ask({"CLIENT", "LIST"}).find("cmd=ping") != std::string::npos);
}
