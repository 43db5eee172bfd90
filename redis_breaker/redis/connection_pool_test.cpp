#include "redis_breaker/redis/connection_pool.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <barrier>
#include <thread>
#include <vector>

#include "program/processes/tcp_proxy.hpp"
#include "redis_breaker/redis/client_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

int option(int fd, int level, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  REQUIRE(getsockopt(fd, level, name, &value, &size) == 0);
  return value;
}

std::unique_ptr<redis::Connection> connection_to(const TestRedis& redis) {
  const redis::Address address = redis::parse_url(redis.server.url());
  auto connection = std::make_unique<redis::Connection>(address, redis::Deadline(5s));
  REQUIRE(connection->error() == "");
  return connection;
}

// A pool that has just got this connection back.
void keep_in(redis::ConnectionPool& pool, std::unique_ptr<redis::Connection> connection, redis::SteadyTime now) {
  pool.confirm(*connection);
  pool.keep(std::move(connection), now);
}

}  // namespace

TEST_CASE("after a time-out, no connection of the same age is used: one command fails, not thirty") {
  TestRedis redis;
  program::TcpProxy proxy(redis.server.port());
  redis::Client client(redis::parse_url("redis://127.0.0.1:" + std::to_string(proxy.port())), 500ms);
  constexpr int count = 30;
  std::barrier together(count);
  std::vector<std::jthread> callers;
  for (int i = 0; i < count; ++i) {
    callers.emplace_back([&] {
      together.arrive_and_wait();
      client.command({"BLPOP", "nothing", "0.1"});
    });
  }
  callers.clear();
  REQUIRE(proxy.connections() > 3);
  proxy.swallow_everything();
  int failed = 0;
  while (failed <= count && !client.command({"PING"}).error().empty()) ++failed;
  CHECK(failed == 1);
}

TEST_CASE("a connection is reused only if its address was seen to lead to its server within the last second") {
  const TestRedis redis, other;
  redis::ConnectionPool pool;
  const auto now = std::chrono::steady_clock::now();
  SUBCASE("it is old") {
    keep_in(pool, connection_to(redis), now);
    CHECK_FALSE(pool.take(now + 1500ms));
  }
  SUBCASE("a new connection has led to the same server") {
    keep_in(pool, connection_to(redis), now);
    auto fresh = connection_to(redis);
    fresh->verified(now + 1s);
    pool.confirm(*fresh);
    const auto reused = pool.take(now + 1500ms);
    REQUIRE(reused);
    CHECK(reused->verified_at() == now + 1s);
  }
  SUBCASE("a new connection has led to another server") {
    auto taken = connection_to(redis);
    keep_in(pool, connection_to(redis), now);
    pool.confirm(*connection_to(other));
    CHECK_FALSE(pool.take(now));
    pool.keep(std::move(taken), now);  // nor is one that was in use meanwhile
    CHECK_FALSE(pool.take(now));
  }
}

TEST_CASE("a connection that has been idle for more than ten seconds is closed") {
  const TestRedis redis;
  redis::ConnectionPool pool;
  const auto now = std::chrono::steady_clock::now();
  keep_in(pool, connection_to(redis), now);
  auto fresh = connection_to(redis);
  fresh->verified(now + 10500ms);
  pool.confirm(*fresh);
  CHECK_FALSE(pool.take(now + 10600ms));
}

TEST_CASE("a connection that was taken before the pool was emptied is not kept") {
  const TestRedis redis;
  redis::ConnectionPool pool;
  const auto now = std::chrono::steady_clock::now();
  keep_in(pool, connection_to(redis), now);
  auto taken = pool.take(now);
  REQUIRE(taken);
  pool.clear(std::chrono::steady_clock::now());
  pool.keep(std::move(taken), std::chrono::steady_clock::now());
  CHECK_FALSE(pool.take(std::chrono::steady_clock::now()));
}

TEST_CASE("TCP keep-alive is on, and unanswered data closes a connection") {
  TestRedis redis;
  const auto connection = redis.client.connect(0);
  REQUIRE(connection->error() == "");
  CHECK(option(connection->fd(), SOL_SOCKET, SO_KEEPALIVE) == 1);
  CHECK(option(connection->fd(), IPPROTO_TCP, TCP_KEEPIDLE) <= 10);
  CHECK(option(connection->fd(), IPPROTO_TCP, TCP_USER_TIMEOUT) > 0);
}
