// What a review of the shared breaker found: each test fails on the code that was reviewed.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "redis_breaker/shared_instance_for_test.hpp"
#include "redis_breaker/shared_table.hpp"
#include "redis_breaker/subscription.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

using SteadyClock = std::chrono::steady_clock;

// How a process of its own ends: 0, or what ended it. SIGALRM ends one that hangs.
int end_of_process(const std::function<void()>& work) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    work();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

SharedAnswer answer_in(const SharedTable::Result& result) {
  REQUIRE(std::holds_alternative<SharedAnswer>(result));
  return std::get<SharedAnswer>(result);
}

Seen seen_in(const SharedAnswer& answer) {
  Seen seen{.generation = answer.generation, .state = answer.state, .epoch = answer.epoch, .run = answer.origin.run};
  seen.open_for = answer.wait;
  return seen;
}

long connections_made(TestRedis& redis) {
  const std::string info = redis.cli({"INFO", "stats"});
  const std::string field = "total_connections_received:";
  return std::stol(info.substr(info.find(field) + field.size()));
}

}  // namespace

TEST_CASE("two breakers of one name and one setup: the second hears of what the fleet does") {
  TestRedis server;
  const auto setup = std::make_shared<SharedSetup>(server.redis, one_failure);
  RedisBreaker first(setup, {"x"});
  RedisBreaker second(setup, {"x"});
  std::get<Permit>(second.acquire()).settle(Outcome::success);
  REQUIRE(happens([&] { return second.is_pushed() || (second.status(), false); }));
  server.cli({"SET", "cb:x:state", "open"});
  CHECK(happens([&] { return second.known_state() == State::open; }, 8s));
}

TEST_CASE("two breakers of one name and one setup: where the first goes, the second does not end the process") {
  TestRedis server;
  CHECK(end_of_process([&] {
          Redis redis(parse_redis_url(server.server.url()), 5s);
          const auto setup = std::make_shared<SharedSetup>(redis, Policy{.failure_rate_threshold = 0.5});
          auto first = std::make_unique<RedisBreaker>(setup, Identity{"x"});
          RedisBreaker second(setup, {"x"});
          std::get<Permit>(second.acquire()).settle(Outcome::ignored);
          first.reset();
          std::get<Permit>(second.acquire()).settle(Outcome::success);
          std::this_thread::sleep_for(1s);
        }) == 0);
}

TEST_CASE("FLUSHALL resets every breaker of an instance, also the last of 150") {
  TestRedis server;
  const auto setup = std::make_shared<SharedSetup>(server.redis, one_failure);
  std::vector<std::unique_ptr<RedisBreaker>> breakers;
  for (int i = 100; i < 250; ++i)
    breakers.push_back(std::make_unique<RedisBreaker>(setup, Identity{"x", std::to_string(i)}));
  RedisBreaker& last = *breakers.back();
  REQUIRE(last.impose({Mode::forced_open, "ann", ""}, {}).empty());
  REQUIRE(happens([&] {
    last.status();
    return last.is_pushed();
  }));
  CHECK(std::holds_alternative<Rejection>(last.acquire()));
  server.cli({"FLUSHALL"});
  CHECK(happens([&] { return std::holds_alternative<Permit>(last.acquire()); }, 5s));
}

TEST_CASE("signals do not lengthen a deadline") {
  TestRedis server;
  Redis redis(parse_redis_url(server.server.url()), 100ms);
  REQUIRE(redis.command({"PING"}).error().empty());
  static std::atomic<int> ticks{0};
  struct sigaction count {};
  count.sa_handler = [](int) { ++ticks; };
  struct sigaction before {};
  sigaction(SIGALRM, &count, &before);
  server.server.process().send_signal(SIGSTOP);
  std::atomic<bool> done{false};
  const pthread_t caller = pthread_self();
  std::jthread ticker([&] {
    for (int i = 0; i < 300 && !done; ++i) {
      pthread_kill(caller, SIGALRM);
      std::this_thread::sleep_for(10ms);
    }
  });
  const auto begun = SteadyClock::now();
  CHECK_FALSE(redis.command({"PING"}).error().empty());
  CHECK(SteadyClock::now() - begun < 1s);
  done = true;
  ticker.join();
  sigaction(SIGALRM, &before, nullptr);
  server.server.process().send_signal(SIGCONT);
}

TEST_CASE("a user of Redis who may not ask INFO is served") {
  TestRedis server;
  server.cli({"ACL", "SETUSER", "default", "-info"});
  Instance a(server, one_failure);
  a.call(Outcome::failure);
  CHECK(a.breaker.status().store == "redis");
  CHECK(a.troubles().empty());
}

TEST_CASE("a reset by a person on the new server is not undone by who still knows the old one") {
  TestRedis server;
  const SharedTable table(server.redis, one_failure, "a");
  const Seen nothing;
  const auto closed = answer_in(table.acquire("x", nothing));
  const auto open = answer_in(table.settle("x", seen_in(closed), {closed.generation, 0}, {Outcome::failure, {}}));
  REQUIRE(open.state == State::open);
  server.server.restart();
  const auto newcomers = answer_in(table.acquire("x", nothing));
  CHECK(newcomers.state == State::closed);
  answer_in(table.impose("x", seen_in(newcomers), {Mode::reset, "ann", ""}, {}));
  CHECK(answer_in(table.look("x", seen_in(open))).state == State::closed);
}

TEST_CASE("a long break that was lost is restored as long as it was to be") {
  TestRedis server;
  const Policy policy{.failure_threshold = 1,
                      .recovery_timeout = 1s,
                      .recovery_timeout_multiplier = 10,
                      .recovery_timeout_maximum = 10min};
  const SharedTable table(server.redis, policy, "a");
  const auto closed = answer_in(table.acquire("x", {}));
  auto open = answer_in(table.settle("x", seen_in(closed), {closed.generation, 0}, {Outcome::failure, {}}));
  open.wait = 300s;  // a break that has grown
  server.server.restart();
  CHECK(answer_in(table.look("x", seen_in(open))).wait > 290s);
}

TEST_CASE("who hears of much at once still listens afterwards") {
  TestRedis server;
  Redis redis(parse_redis_url(server.server.url()), 50ms);
  const auto setup = std::make_shared<SharedSetup>(redis, one_failure);
  std::vector<std::unique_ptr<RedisBreaker>> breakers;
  std::vector<std::string> write{"EVAL", "for _, key in ipairs(KEYS) do redis.call('SET', key, ARGV[1]) end", "600"};
  for (int i = 0; i < 600; ++i) {
    breakers.push_back(std::make_unique<RedisBreaker>(setup, Identity{"x", std::to_string(i)}));
    std::get<Permit>(breakers.back()->acquire()).settle(Outcome::success);
    write.push_back("cb:x/" + std::to_string(i) + ":state");
  }
  write.emplace_back("open");
  const auto both_are = [&](State state) {
    return happens([&] { return breakers.front()->known_state() == state && breakers.back()->known_state() == state; },
                   3s);
  };
  REQUIRE(happens([&] { return breakers.front()->is_pushed(); }));
  const long before = connections_made(server);
  for (int i = 0; i < 20; ++i) {
    write.back() = i % 2 == 0 ? "open" : "closed";
    server.cli(write);
    CHECK(both_are(i % 2 == 0 ? State::open : State::closed));
  }
  CHECK(connections_made(server) - before <= 2);
}

TEST_CASE("what is pushed is heard of while thousands of breakers report") {
  TestRedis server;
  Redis redis(parse_redis_url(server.server.url()), 1s);
  const auto setup = std::make_shared<SharedSetup>(redis, Policy{.failure_rate_threshold = 0.5});
  std::vector<std::unique_ptr<RedisBreaker>> breakers;
  for (int i = 0; i < 10000; ++i) {
    breakers.push_back(std::make_unique<RedisBreaker>(setup, Identity{"x", std::to_string(i)}));
    std::get<Permit>(breakers.back()->acquire()).settle(Outcome::ignored);
  }
  std::jthread traffic([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      for (auto& breaker : breakers) {
        Admission admission = breaker->acquire();
        if (auto* permit = std::get_if<Permit>(&admission)) permit->settle(Outcome::success);
      }
    }
  });
  std::this_thread::sleep_for(2s);
  std::chrono::milliseconds longest{0};
  for (int i = 0; i < 10; ++i) {
    const State wanted = i % 2 == 0 ? State::open : State::closed;
    const auto begun = SteadyClock::now();
    server.cli({"SET", "cb:x/0:state", i % 2 == 0 ? "open" : "closed"});
    REQUIRE(happens([&] { return breakers[0]->known_state() == wanted; }));
    longest = std::max(longest, std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - begun));
  }
  MESSAGE("a change was known after at most " << longest.count() << " ms");
  CHECK(longest < 500ms);
}

TEST_CASE("a server that goes while it is asked for pushes has not refused them") {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  REQUIRE(bind(listener, reinterpret_cast<sockaddr*>(&address), length) == 0);
  REQUIRE(listen(listener, 1) == 0);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  std::jthread server([listener] {
    const int client = accept(listener, nullptr, nullptr);
    char asked[512];
    if (read(client, asked, sizeof asked) > 0) send(client, "$0\r\n\r\n", 6, MSG_NOSIGNAL);  // INFO
    if (read(client, asked, sizeof asked) > 0) close(client);                                // CLIENT ID
  });
  Redis redis(parse_redis_url("redis://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/0"), 5s);
  const Subscription subscription(redis, 0, {"cb:x:"});
  CHECK(subscription.error() == "connection closed");
  CHECK_FALSE(subscription.is_refused());
  server.join();
  close(listener);
}

TEST_CASE("what one knew to be closed again on the lost server is not opened by who had not heard of it") {
  TestRedis server;
  const SharedTable table(server.redis, one_failure, "a");
  const auto closed = answer_in(table.acquire("x", {}));
  const auto open = answer_in(table.settle("x", seen_in(closed), {closed.generation, 0}, {Outcome::failure, {}}));
  const auto reset = answer_in(table.impose("x", seen_in(open), {Mode::reset, "ann", ""}, {}));
  server.server.restart();
  CHECK(answer_in(table.look("x", seen_in(reset))).state == State::closed);
  CHECK(answer_in(table.look("x", seen_in(open))).state == State::closed);
}

TEST_CASE("what one had not heard of is restored by who had, in whatever order they come") {
  TestRedis server;
  const SharedTable table(server.redis, one_failure, "a");
  const auto closed = answer_in(table.acquire("x", {}));
  const auto open = answer_in(table.settle("x", seen_in(closed), {closed.generation, 0}, {Outcome::failure, {}}));
  server.server.restart();
  CHECK(answer_in(table.look("x", seen_in(closed))).state == State::closed);
  CHECK(answer_in(table.look("x", seen_in(open))).state == State::open);
  CHECK(answer_in(table.look("x", seen_in(open))).transitions.empty());
}

TEST_CASE("a setup of a thousand names is pushed to") {
  TestRedis server;
  Redis redis(parse_redis_url(server.server.url()), 1s);
  const auto setup = std::make_shared<SharedSetup>(redis, one_failure);
  std::vector<std::unique_ptr<RedisBreaker>> breakers;
  for (int i = 0; i < 1000; ++i) {
    breakers.push_back(std::make_unique<RedisBreaker>(setup, Identity{"x-" + std::to_string(i)}));
  }
  RedisBreaker& last = *breakers.back();
  std::get<Permit>(last.acquire()).settle(Outcome::success);
  server.cli({"SET", "cb:x-999:state", "open"});
  CHECK(happens([&] { return last.known_state() == State::open; }, 5s));
}
