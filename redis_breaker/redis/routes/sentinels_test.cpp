#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <thread>

#include "program/processes/redis_sentinel_servers.hpp"
#include "program/processes/redis_server.hpp"
#include "redis_breaker/fallback_breaker.hpp"
#include "redis_breaker/redis/client.hpp"
#include "redis_breaker/redis/client_for_test.hpp"
#include "redis_breaker/redis/prefetch_for_test.hpp"
#include "redis_breaker/redis_group.hpp"

using namespace cb;
using namespace program;
using namespace std::chrono_literals;

namespace {

using SteadyClock = std::chrono::steady_clock;

// Most tests kill or stop some of these servers, so each test gets its own, which were started meanwhile.
std::unique_ptr<PrivateSentinel> fresh_servers() {
  static redis::Prefetch<PrivateSentinel> servers(14);
  return servers.take();
}

redis::Reply write(redis::Client& client) { return client.command({"SET", "k", "v"}, "k"); }

// The port of the master that the client reaches; 0: none.
int port_behind(redis::Client& client) {
  const redis::Reply reply = client.command({"CONFIG", "GET", "port"});
  return reply.error().empty() && reply->elements == 2 ? std::stoi(reply->element[1]->str) : 0;
}

bool is_behind_another(redis::Client& client, int than) {
  const int port = port_behind(client);
  return port != 0 && port != than;
}

}  // namespace

TEST_CASE("the master is found by its name, for commands and for separate connections") {
  const auto servers = fresh_servers();
  PrivateSentinel& watched = *servers;
  redis::Client client(redis::parse_url(watched.url()), 5s);
  const redis::Reply reply = write(client);
  CHECK(reply.error() == "");
  CHECK(reply.origin().node == 0);
  CHECK(reply.origin().run != 0);
  const auto own = client.connect(reply.origin().node);
  CHECK(own->error() == "");
  CHECK(own->server().run == reply.origin().run);
  CHECK(redis_cli(watched.servers()[0], {"GET", "k"}) == "v\n");
}

TEST_CASE("a master that is killed is replaced, and the shared breaker is in use again") {
  const auto servers = fresh_servers();
  PrivateSentinel& watched = *servers;
  redis::Client client(redis::parse_url(watched.url()), 1s);
  FallbackBreaker breaker(redis_group(client, Policy{}), {"x"});
  const uint64_t before = write(client).origin().run;
  const int killed = watched.master();
  watched.process(killed).send_signal(SIGKILL);
  const auto start = SteadyClock::now();
  redis::Reply reply = write(client);
  CHECK(contains(reply.error(), "redis+sentinel://127.0.0.1:"));
  wait_until("another master takes writes", [&] { return (reply = write(client)).error().empty(); });
  const std::chrono::duration<double> gap = SteadyClock::now() - start;
  MESSAGE("without a master: " << gap.count() << " s");
  CHECK(gap < 10s);
  CHECK(reply.origin().node == 0);
  CHECK(reply.origin().run != before);
  CHECK(is_behind_another(client, killed));
  CHECK(std::holds_alternative<Permit>(breaker.acquire()));
  wait_until("the shared breaker is in use again", [&] { return breaker.detailed_status().store.name == "redis"; });
}

TEST_CASE("a break outlives its master: the fleet rejects throughout, and receives pushes from the new master") {
  const auto servers = fresh_servers();
  PrivateSentinel& watched = *servers;
  redis::Client client(redis::parse_url(watched.url()), 1s), others(redis::parse_url(watched.url()), 1s);
  const Policy policy{.failure_threshold = 1, .recovery_timeout = 5min};
  FallbackBreaker a(redis_group(client, policy), {"x"}), b(redis_group(others, policy), {"x"});
  std::get<Permit>(b.acquire()).settle(Outcome::success);
  std::get<Permit>(a.acquire()).settle(Outcome::failure);
  wait_until("the other instance sees it", [&] { return b.known_state() == State::open; });
  const int killed = watched.master();
  watched.process(killed).send_signal(SIGKILL);
  bool rejected_throughout = true;
  const auto rejects = [](Breaker& breaker) { return std::holds_alternative<Rejection>(breaker.acquire()); };
  wait_until("both use the new master", [&] {
    rejected_throughout = rejected_throughout && rejects(a) && rejects(b);
    const bool another = watched.master() != killed && watched.master() != 0;
    return another && a.detailed_status().store.name == "redis" && b.detailed_status().store.name == "redis";
  });
  CHECK(rejected_throughout);
  CHECK(a.apply_override({Mode::reset, "ann", ""}, {}).empty());
  wait_until("the other instance sees it", [&] { return b.known_state() == State::closed; });
}

TEST_CASE("a planned failover is followed within two seconds, while the old master still takes writes") {
  const auto servers = fresh_servers();
  PrivateSentinel& watched = *servers;
  redis::Client client(redis::parse_url(watched.url()), 5s);
  const int before = port_behind(client);
  std::atomic<int> failed{0};
  std::jthread writer([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) failed += write(client).error().empty() ? 0 : 1;
  });
  watched.fail_over();
  const auto named = SteadyClock::now();
  wait_until("the new master is used", [&] { return is_behind_another(client, before); });
  CHECK(SteadyClock::now() - named < 2s);
  writer.request_stop();
  writer.join();
  CHECK(failed == 0);
}

TEST_CASE(
    "after a planned failover with both servers alive, a trip at the new master rejects every call after a second") {
  const auto servers = fresh_servers();
  PrivateSentinel& watched = *servers;
  redis::Client one(redis::parse_url(watched.url()), 5s), another(redis::parse_url(watched.url()), 5s);
  const Policy policy{.failure_threshold = 1, .recovery_timeout = 5min};
  FallbackBreaker a(redis_group(one, policy), {"x"});
  FallbackBreaker b(redis_group(another, policy), {"x"});
  for (FallbackBreaker* breaker : {&a, &b}) std::get<Permit>(breaker->acquire()).settle(Outcome::success);
  wait_until("both receive pushes", [&] { return a.view().is_fresh() && b.view().is_fresh(); });
  watched.fail_over();
  redis::Client later(redis::parse_url(watched.url()), 5s);
  FallbackBreaker c(redis_group(later, policy), {"x"});
  std::get<Permit>(c.acquire()).settle(Outcome::failure);
  const auto tripped = SteadyClock::now();
  auto last = tripped;
  int admitted = 0;
  const auto admits = [&] {
    const auto begun = SteadyClock::now();
    const bool all_reject =
        std::holds_alternative<Rejection>(a.acquire()) && std::holds_alternative<Rejection>(b.acquire());
    if (!all_reject) last = begun;
    if (!all_reject) ++admitted;
    return !all_reject;
  };
  wait_until("both reject", [&] { return !admits(); });
  MESSAGE("admitted until " << std::chrono::duration<double>(last - tripped).count() << " s after the trip, "
                            << admitted << " times");
  CHECK(last - tripped < 1020ms);
}

TEST_CASE("no command fails when a master with live connections becomes a replica") {
  const auto servers = fresh_servers();
  PrivateSentinel& watched = *servers;
  redis::Client client(redis::parse_url(watched.url()), 5s);
  const int before = port_behind(client);
  watched.fail_over();
  write(client);
  redis_cli(before, {"REPLICAOF", "127.0.0.1", std::to_string(watched.master())});
  CHECK(write(client).error() == "");
  CHECK(port_behind(client) == watched.master());
}

TEST_CASE("without a Sentinel there is one clear error in time") {
  const auto servers = fresh_servers();
  PrivateSentinel& watched = *servers;
  for (const int port : watched.sentinels()) watched.process(port).send_signal(SIGKILL);
  for (const int port : watched.sentinels()) watched.process(port).wait(5s);
  redis::Client client(redis::parse_url(watched.url()), 1s);
  const std::string last = "127.0.0.1:" + std::to_string(watched.sentinels()[2]);
  CHECK(write(client).error() ==
        watched.url() + "/0: no Sentinel names a master; the last one, " + last + ": Connection refused");
}

TEST_CASE("live connections outlive the Sentinels") {
  const auto servers = fresh_servers();
  PrivateSentinel& watched = *servers;
  redis::Client client(redis::parse_url(watched.url()), 1s);
  write(client);
  for (const int port : watched.sentinels()) watched.process(port).send_signal(SIGSTOP);
  int failed = 0;
  std::chrono::nanoseconds longest = 0ns;
  const auto start = SteadyClock::now();
  int asked = 0;  // commands that waited for a Sentinel, a quarter of the deadline
  while (asked < 2 && SteadyClock::now() - start < 20s) {
    const auto before = SteadyClock::now();
    failed += write(client).error().empty() ? 0 : 1;
    const std::chrono::nanoseconds took = SteadyClock::now() - before;
    longest = std::max(longest, took);
    asked += took > 200ms ? 1 : 0;
  }
  CHECK(asked == 2);
  CHECK(failed == 0);
  CHECK(longest < 2s);  // a deadline, which is extended once if this thread was not running at its end
}

TEST_CASE("Sentinels that hang cost a share of the deadline, and the one that answers is asked first from then on") {
  const auto servers = fresh_servers();
  PrivateSentinel& watched = *servers;
  watched.process(watched.sentinels()[0]).send_signal(SIGSTOP);
  watched.process(watched.sentinels()[1]).send_signal(SIGSTOP);
  redis::Client client(redis::parse_url(watched.url()), 2s);
  CHECK(write(client).error() == "");
  auto fastest = SteadyClock::duration::max();
  for (int i = 0; i < 5; ++i) {
    const auto start = SteadyClock::now();
    CHECK(client.connect(0)->error() == "");
    fastest = std::min(fastest, SteadyClock::now() - start);
  }
  CHECK(fastest < 400ms);
}

TEST_CASE("a master that hangs is an error within the deadline") {
  const auto servers = fresh_servers();
  PrivateSentinel& watched = *servers;
  for (const int port : watched.sentinels()) {  // so that it is not replaced meanwhile
    redis_cli(port, {"SENTINEL", "SET", "mymaster", "down-after-milliseconds", "60000"});
  }
  redis::Client client(redis::parse_url(watched.url()), 500ms);
  wait_until("a command succeeds", [&] { return write(client).error().empty(); });
  watched.process(watched.master()).send_signal(SIGSTOP);
  for (int i = 0; i < 2; ++i) {
    const auto start = SteadyClock::now();
    CHECK(contains(write(client).error(), "no answer in time"));
    CHECK(SteadyClock::now() - start < 1500ms);
  }
}

TEST_CASE("an unknown master name is an error that says so") {
  const auto servers = fresh_servers();
  PrivateSentinel& watched = *servers;
  std::string url = watched.url();
  url.replace(url.rfind('/'), std::string::npos, "/unknown");
  redis::Client client(redis::parse_url(url), 5s);
  CHECK(contains(write(client).error(), "it does not know a master 'unknown'"));
}

TEST_CASE("the password is sent to the master only, and a wrong one is one clear error") {
  const auto servers = fresh_servers();
  PrivateSentinel& watched = *servers;
  redis_cli(watched.servers()[0], {"CONFIG", "SET", "requirepass", "right-one"});
  std::string url = watched.url();
  redis::Client client(redis::parse_url(url.insert(std::string("redis+sentinel://").size(), ":right-one@")), 5s);
  CHECK(write(client).error() == "");
  redis::Client refused(redis::parse_url(url.replace(url.find("right"), 5, "wrong")), 5s);
  const std::string error = write(refused).error();
  CHECK(contains(error, "WRONGPASS"));
  CHECK(contains(error, "the master 127.0.0.1:" + std::to_string(watched.servers()[0])));
  CHECK_FALSE(contains(error, "wrong-one"));
}

TEST_CASE("a replica behind redis:// is one clear error, at the start and later") {
  PrivateRedis master;
  PrivateRedis server;
  redis::Client client(redis::parse_url(server.url()), 5s);
  CHECK(write(client).error() == "");
  redis_cli(server.port(), {"REPLICAOF", "127.0.0.1", std::to_string(master.port())});
  const std::string error = server.url() + ": is a read-only replica; use its master's address";
  CHECK(write(client).error() == error);
  CHECK(redis::Client(redis::parse_url(server.url()), 5s).command({"PING"}).error() == error);
  redis_cli(server.port(), {"REPLICAOF", "NO", "ONE"});
  CHECK(write(client).error() == "");
}

TEST_CASE("a Sentinel behind redis:// is one clear error") {
  const auto servers = fresh_servers();
  PrivateSentinel& watched = *servers;
  const std::string url = "redis://127.0.0.1:" + std::to_string(watched.sentinels()[0]);
  CHECK(contains(redis::Client(redis::parse_url(url), 5s).command({"PING"}).error(),
                 "is a Sentinel; use redis+sentinel://"));
}

TEST_CASE("many threads follow a failover together") {
  const auto servers = fresh_servers();
  PrivateSentinel& watched = *servers;
  redis::Client client(redis::parse_url(watched.url()), 1s);
  write(client);
  const int killed = watched.master();
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; !stop; ++i) {
        const std::string mine = std::to_string(thread) + ":" + std::to_string(i);
        const redis::Reply reply = client.command({"ECHO", mine});
        if (reply.error().empty() && std::string(reply->str, reply->len) != mine) ++wrong;
      }
    });
  }
  watched.process(killed).send_signal(SIGKILL);
  wait_until("writes succeed again", [&] { return write(client).error().empty(); });
  stop = true;
  threads.clear();
  CHECK(wrong == 0);
  CHECK(is_behind_another(client, killed));
}
