#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <set>
#include <thread>

#include "program/processes/redis_cluster_servers.hpp"
#include "program/processes/redis_server.hpp"
#include "program/wait_until.hpp"
#include "redis_breaker/fallback_breaker.hpp"
#include "redis_breaker/redis/client.hpp"
#include "redis_breaker/redis/client_for_test.hpp"
#include "redis_breaker/redis/prefetch_for_test.hpp"
#include "redis_breaker/redis/routes/redirection.hpp"
#include "redis_breaker/redis_group.hpp"

using namespace cb;
using namespace program;
using namespace std::chrono_literals;

namespace {

using SteadyClock = std::chrono::steady_clock;

// A cluster needs two seconds to start: its nodes refuse writes for that long. So the tests that leave all nodes alive
// share one, and those that do not get one that was started meanwhile.
PrivateCluster& shared_cluster() {
  static PrivateCluster cluster;
  return cluster;
}

std::unique_ptr<PrivateCluster> fresh_cluster() {
  static redis::Prefetch<PrivateCluster> clusters(6);
  return clusters.take();
}

void configure(const PrivateCluster& cluster, const std::string& setting, const std::string& value) {
  for (const int port : cluster.ports()) redis_cli(port, {"CONFIG", "SET", setting, value});
}

redis::Reply write(redis::Client& client, const std::string& name) {
  return client.command({"SET", client.prefix(name) + "state", "closed"}, name);
}

// A name whose keys this node stores, and that no other test uses.
std::string name_at(const PrivateCluster& cluster, int port) {
  static int i = 0;
  while (true) {
    const std::string name = "name-" + std::to_string(++i);
    if (cluster.owner_of("cb:{" + name + "}:state") == port) return name;
  }
}

std::string id_of(int port) { return redis_cli(port, {"CLUSTER", "MYID"}).substr(0, 40); }

redis::Address only(const PrivateCluster& cluster, int port) {
  redis::Address address = redis::parse_url(cluster.url());
  address.hosts = {{"127.0.0.1", port}};
  return address;
}

long redirections(int port, const std::string& kind) {
  const std::string info = redis_cli(port, {"INFO", "errorstats"});
  const auto at = info.find("errorstat_" + kind + ":count=");
  return at == std::string::npos ? 0 : std::stol(info.substr(info.find('=', at) + 1));
}

}  // namespace

TEST_CASE("slot numbers agree with Redis") {
  CHECK(redis::slot_of("123456789") == 12739);  // the specification's example
  CHECK(redis::slot_of("") == 0);
  const PrivateCluster& cluster = shared_cluster();
  for (const std::string name : {"unreliable_service", "a", "tenant/x.y-z_9", "name-17"}) {
    CHECK(std::to_string(redis::slot_of(name)) + "\n" ==
          redis_cli(cluster.ports()[0], {"CLUSTER", "KEYSLOT", "cb:{" + name + "}:state"}));
  }
}

TEST_CASE("redirections are parsed, other errors are not") {
  const redis::Endpoint from{"here.example", 1};
  const auto moved = redis::redirection_in("MOVED 3999 127.0.0.1:6381", from);
  REQUIRE(moved);
  CHECK(moved->kind == redis::Redirection::Kind::moved);
  CHECK(moved->slot == 3999);
  CHECK(moved->to == redis::Endpoint{"127.0.0.1", 6381});
  CHECK(redis::redirection_in("ASK 1 ::1:2", from)->to == redis::Endpoint{"::1", 2});
  CHECK(redis::redirection_in("ASK 1 ::1:2", from)->kind == redis::Redirection::Kind::ask);
  CHECK(redis::redirection_in("MOVED 1 :6381", from)->to == redis::Endpoint{"here.example", 6381});
  for (const std::string error :
       {"", "ERR MOVED 1 h:1", "MOVED", "MOVED 1", "MOVED x h:1", "MOVED 16384 h:1", "MOVED 1 h", "MOVED 1 h:0",
        "MOVED 1 h:70000", "MOVED 1 ?:1", "MOVED 1 a b:1", "MOVED -1 h:1", "TRYAGAIN Multiple keys"}) {
    CAPTURE(error);
    CHECK_FALSE(redis::redirection_in(error, from));
  }
  CHECK_FALSE(redis::redirection_in("MOVED 1 " + std::string(100'000, 'a') + ":1", from));
}

TEST_CASE("one node leads to all nodes, which are then asked directly") {
  PrivateCluster& cluster = shared_cluster();
  const int seed = cluster.ports()[0];
  redis::Client client(only(cluster, seed), 5s);
  const long moved_before = redirections(seed, "MOVED");
  std::set<size_t> nodes;
  std::set<uint64_t> runs;
  for (const int port : cluster.ports()) {
    const std::string name = name_at(cluster, port);
    const redis::Reply first = write(client, name);
    CHECK(first.error() == "");
    CHECK(write(client, name).origin() == first.origin());
    CHECK(client.connect(first.origin().node)->server().run == first.origin().run);
    CHECK(redis_cli(port, {"GET", "cb:{" + name + "}:state"}) == "closed\n");
    nodes.insert(first.origin().node);
    runs.insert(first.origin().run);
  }
  CHECK(nodes == std::set<size_t>{0, 1, 2});
  CHECK(runs.size() == 3);
  CHECK(redirections(seed, "MOVED") - moved_before == 2);  // one for each of the two others
  CHECK(client.connect(3)->error() == "no node has the number 3");
}

TEST_CASE("one node of the cluster stores all keys of a breaker") {
  const PrivateCluster& cluster = shared_cluster();
  redis::Client client(redis::parse_url(cluster.url()), 5s);
  for (const int port : cluster.ports()) {
    const std::string name = name_at(cluster, port);
    FallbackBreaker breaker(redis_group(client, {.failure_threshold = 2, .failure_rate_threshold = 1}), {name});
    for (int i = 0; i < 2; ++i) {
      Admission admission = breaker.acquire();
      REQUIRE(std::holds_alternative<Permit>(admission));
      std::get<Permit>(admission).settle(Outcome::failure);
    }
    CHECK(std::holds_alternative<Rejection>(breaker.acquire()));
    CHECK(breaker.detailed_status().store.errors == 0);
    CHECK(redis_cli(port, {"GET", "cb:{" + name + "}:state"}) == "open\n");
    CHECK(redis_cli(port, {"EXISTS", "cb:{" + name + "}:breaker", "cb:{" + name + "}:window"}) == "2\n");
  }
}

TEST_CASE("with a key prefix one node still stores all keys of a breaker") {
  redis::Client client(redis::parse_url(shared_cluster().url()), 10s, "prod:shop");
  FallbackBreaker breaker(redis_group(client, {.failure_threshold = 1}), {"prefixed"});
  permit(breaker).settle(Outcome::failure);
  CHECK(breaker.detailed_status().store.error.empty());
  CHECK(redis::text_of(*client.command({"GET", "prod:shop:{prefixed}:state"}, "prefixed")) == "open");
}

TEST_CASE("a moving slot is followed: ASK for one command, MOVED permanently") {
  PrivateCluster& cluster = shared_cluster();
  redis::Client client(redis::parse_url(cluster.url()), 5s);
  const int from = cluster.ports()[2], to = cluster.ports()[0];
  const std::string name = name_at(cluster, from);
  const std::string key = client.prefix(name) + "state";
  const redis::Origin before = write(client, name).origin();
  const long asked_before = redirections(from, "ASK"), moved_before = redirections(from, "MOVED");
  cluster.begin_move(key, to);
  CHECK(write(client, name).origin() == before);  // the key has not moved yet
  cluster.move_keys(key, to);
  for (long i = 1; i <= 2; ++i) {
    const redis::Reply asked = write(client, name);
    CHECK(asked.error() == "");
    CHECK(asked.origin().node != before.node);
    CHECK(redirections(from, "ASK") - asked_before == i);  // ASK is not remembered
  }
  cluster.finish_move(key, to);
  for (int i = 0; i < 2; ++i) {
    const redis::Reply moved = write(client, name);
    CHECK(moved.error() == "");
    CHECK(moved.origin().node != before.node);
  }
  CHECK(redirections(from, "ASK") - asked_before == 2);
  CHECK(redirections(from, "MOVED") - moved_before == 1);
  CHECK(redis_cli(to, {"GET", key}) == "closed\n");
}

TEST_CASE("a breaker follows its slot; during the move it uses the local breaker") {
  PrivateCluster& cluster = shared_cluster();
  redis::Client client(redis::parse_url(cluster.url()), 5s), others(redis::parse_url(cluster.url()), 5s);
  const int from = cluster.ports()[1], to = cluster.ports()[2];
  const std::string name = name_at(cluster, from);
  std::mutex mutex;
  std::string trouble;
  const Policy policy{.failure_threshold = 1, .recovery_timeout = 1min};
  FallbackBreaker breaker(redis_group(client, policy,
                                      [&](const Notice& notice) {
                                        const std::scoped_lock lock(mutex);
                                        if (notice.kind == NoticeKind::store_trouble && trouble.empty())
                                          trouble = notice.cause;
                                      }),
                          {name});
  FallbackBreaker other(redis_group(others, policy), {name});
  std::get<Permit>(breaker.acquire()).settle(Outcome::failure);
  cluster.begin_move(client.prefix(name) + "state", to);
  breaker.status();
  wait_until("the trouble is reported", [&] {
    const std::scoped_lock lock(mutex);
    return contains(trouble, "TRYAGAIN");
  });
  CHECK(std::holds_alternative<Rejection>(breaker.acquire()));
  cluster.finish_move(client.prefix(name) + "state", to);
  wait_until("the shared breaker is in use again", [&] { return breaker.detailed_status().store.name == "redis"; });
  CHECK(std::holds_alternative<Rejection>(breaker.acquire()));
  CHECK(breaker.apply_override({Mode::reset, "ann", ""}, {}).empty());
  wait_until("the other instance sees it", [&] { return other.known_state() == State::closed; });
}

TEST_CASE(
    "after a failover in a cluster with both nodes alive, a trip at the new one rejects every call after a second") {
  const auto fresh = fresh_cluster();
  PrivateCluster& cluster = *fresh;
  const int old_master = cluster.ports()[0];
  const int new_master = cluster.add_replica_of(old_master);
  redis::Client client(redis::parse_url(cluster.url()), 5s), others(redis::parse_url(cluster.url()), 5s);
  const std::string name = name_at(cluster, old_master);
  const Policy policy{.failure_threshold = 1, .recovery_timeout = 1min};
  FallbackBreaker a(redis_group(client, policy), {name}), b(redis_group(others, policy), {name});
  for (FallbackBreaker* breaker : {&a, &b}) std::get<Permit>(breaker->acquire()).settle(Outcome::success);
  wait_until("it receives pushes", [&] { return a.view().is_fresh(); });
  const auto has_failed_over = [&] { return contains(redis_cli(old_master, {"INFO", "replication"}), "role:slave"); };
  wait_until("the old master is a replica", [&] {  // Redis forgets a failover that takes more than five seconds
    redis_cli(new_master, {"CLUSTER", "FAILOVER"});
    return program::wait_until(has_failed_over, 6s);
  });
  redis_cli(old_master, {"CONFIG", "SET", "masteruser", "none", "masterauth",
                         "none"});  // so that it follows no longer, and pushes nothing
  redis_cli(new_master, {"CLIENT", "KILL", "TYPE", "replica"});
  wait_until("it trips", [&] {
    Admission admission = b.acquire();
    if (auto* permit = std::get_if<Permit>(&admission)) permit->settle(Outcome::failure);
    return b.known_state() == State::open && b.detailed_status().store.name == "redis";
  });
  const auto tripped = SteadyClock::now();
  auto last = tripped;
  wait_until("the other instance rejects", [&] {
    const auto begun = SteadyClock::now();
    if (std::holds_alternative<Rejection>(a.acquire())) return true;
    last = begun;
    return false;
  });
  MESSAGE("admitted until " << std::chrono::duration<double>(last - tripped).count() << " s after the trip");
  CHECK(last - tripped < 1020ms);
}

TEST_CASE("breakers on several nodes receive pushes, each from its node") {
  PrivateCluster& cluster = shared_cluster();
  redis::Client client(redis::parse_url(cluster.url()), 5s), others(redis::parse_url(cluster.url()), 5s);
  const auto mine = redis_group(client, Policy{.failure_threshold = 1});
  const auto theirs = redis_group(others, Policy{.failure_threshold = 1});
  for (const int port : cluster.ports()) {
    CAPTURE(port);
    const std::string name = name_at(cluster, port);
    FallbackBreaker here(mine, {name}), there(theirs, {name});
    std::get<Permit>(here.acquire()).settle(Outcome::success);
    std::get<Permit>(there.acquire()).settle(Outcome::success);
    wait_until("it receives pushes", [&] { return here.view().is_fresh(); });
    std::get<Permit>(there.acquire()).settle(Outcome::failure);
    wait_until("it sees the change", [&] { return here.known_state() == State::open; });
  }
}

TEST_CASE("a killed node is a clear error in time, and the others keep working") {
  const auto fresh = fresh_cluster();
  PrivateCluster& cluster = *fresh;
  redis::Client client(redis::parse_url(cluster.url()), 2s);
  const int dead = cluster.ports()[0], alive = cluster.ports()[1];
  const std::string lost = name_at(cluster, dead), kept = name_at(cluster, alive);
  CHECK(write(client, lost).error() == "");
  cluster.process(dead).send_signal(SIGKILL);
  cluster.process(dead).wait(5s);
  configure(cluster, "cluster-node-timeout", "500");  // so that the others notice soon
  const auto start = SteadyClock::now();
  CHECK(write(client, lost).error() ==
        cluster.url() + ": node 127.0.0.1:" + std::to_string(dead) + ": Connection refused");
  CHECK(SteadyClock::now() - start < 2s);
  redis::Client later(redis::parse_url(cluster.url()), 2s);  // its first node is dead
  CHECK(write(later, kept).error() == "");
  wait_until("the cluster notices", [&] { return contains(write(client, kept).error(), "CLUSTERDOWN"); });
}

TEST_CASE("a node that hangs is an error within the deadline, only for its own names") {
  const auto fresh = fresh_cluster();
  PrivateCluster& cluster = *fresh;
  configure(cluster, "cluster-require-full-coverage", "no");
  constexpr auto timeout = 500ms;
  redis::Client client(redis::parse_url(cluster.url()), timeout);
  const int hung = cluster.ports()[0], alive = cluster.ports()[1];
  const std::string lost = name_at(cluster, hung), kept = name_at(cluster, alive);
  wait_until("a command succeeds", [&] { return write(client, lost).error().empty(); });
  cluster.process(hung).send_signal(SIGSTOP);
  auto fastest = SteadyClock::duration::max();
  for (int i = 0; i < 3; ++i) {
    const auto start = SteadyClock::now();
    CHECK(write(client, lost).error() ==
          cluster.url() + ": node 127.0.0.1:" + std::to_string(hung) + ": no answer in time");
    fastest = std::min(fastest, SteadyClock::now() - start);
  }
  CHECK(fastest < 2 * timeout);
  CHECK(write(client, kept).error() == "");
}

TEST_CASE("a node that hangs costs one guess, and its slots are forgotten") {
  const auto fresh = fresh_cluster();
  PrivateCluster& cluster = *fresh;
  configure(cluster, "cluster-require-full-coverage", "no");
  const int hung = cluster.ports()[0], alive = cluster.ports()[1], third = cluster.ports()[2];
  const std::string inherited = name_at(cluster, hung), kept = name_at(cluster, alive);
  redis::Client guessing(redis::parse_url(cluster.url()), 4s);  // starts with the node that will hang
  redis::Client knowing(only(cluster, alive), 4s);
  for (redis::Client* client : {&guessing, &knowing}) CHECK(write(*client, inherited).error() == "");
  cluster.process(hung).send_signal(SIGSTOP);
  std::array<std::string, 2> errors;  // at the same time, as each waits out its deadline
  {
    std::jthread other([&] { errors[0] = write(guessing, inherited).error(); });
    errors[1] = write(knowing, inherited).error();
  }
  for (const std::string& error : errors) CHECK(contains(error, "no answer in time"));
  const std::string slot = std::to_string(redis::slot_of(inherited));
  for (const int port : {alive, third}) redis_cli(port, {"CLUSTER", "SETSLOT", slot, "NODE", id_of(alive)});
  for (redis::Client* client : {&guessing, &knowing}) {
    const auto start = SteadyClock::now();
    CHECK(write(*client, kept).error() == "");
    CHECK(write(*client, inherited).error() == "");
    CHECK(SteadyClock::now() - start < 950ms);  // a guess may take a quarter of the deadline
  }
  redis::Client later(redis::parse_url(cluster.url()), 4s);
  CHECK(write(later, kept).error() == "");
}

TEST_CASE("nodes that redirect to each other forever are given up on") {
  const auto fresh = fresh_cluster();
  PrivateCluster& cluster = *fresh;
  const int a = cluster.ports()[0], b = cluster.ports()[1];
  const std::string name = name_at(cluster, a);
  redis::Client client(only(cluster, a), 5s);
  // Each node believes that the other one owns the slot; the third one is stopped, so that its gossip cannot correct
  // it.
  cluster.process(cluster.ports()[2]).send_signal(SIGSTOP);
  const std::string slot = std::to_string(redis::slot_of(name));
  redis_cli(b, {"CLUSTER", "SETSLOT", slot, "NODE", id_of(a)});
  redis_cli(a, {"CLUSTER", "SETSLOT", slot, "NODE", id_of(b)});
  const std::string error = write(client, name).error();
  CHECK_MESSAGE(contains(error, "redirected more than 5 times"), error);
}

TEST_CASE("a cluster URL for a single server, or the reverse, is one clear error") {
  const PrivateCluster& cluster = shared_cluster();
  const std::string node = "127.0.0.1:" + std::to_string(cluster.ports()[0]);
  CHECK(redis::Client(redis::parse_url("redis://" + node), 5s).command({"PING"}).error() ==
        "redis://" + node + "/0: is a cluster node; use redis+cluster://");
  const PrivateRedis single;
  const std::string other = "127.0.0.1:" + std::to_string(single.port());
  CHECK(redis::Client(redis::parse_url("redis+cluster://" + other), 5s).command({"PING"}).error() ==
        "redis+cluster://" + other + ": node " + other + ": is not a cluster node; use redis://");
}

TEST_CASE("the password is used for each node, and a wrong one is one clear error") {
  const PrivateCluster& cluster = shared_cluster();
  configure(cluster, "requirepass", "right-one");
  redis::Address address = redis::parse_url(cluster.url());
  address.password = "right-one";
  redis::Client client(address, 5s);
  for (int i = 0; i < 20; ++i) CHECK(write(client, std::to_string(i)).error() == "");
  address.password = "wrong-one";
  const std::string error = write(*std::make_unique<redis::Client>(address, 5s), "x").error();
  for (const int port : cluster.ports()) redis_cli(port, {"-a", "right-one", "CONFIG", "SET", "requirepass", ""});
  CHECK(contains(error, "WRONGPASS"));
  CHECK_FALSE(contains(error, "wrong-one"));
}

TEST_CASE("many threads use a cluster while a node dies, and each gets its own replies") {
  const auto fresh = fresh_cluster();
  PrivateCluster& cluster = *fresh;
  redis::Client client(redis::parse_url(cluster.url()), 1s);
  std::atomic<int> wrong{0}, right{0};
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 500; ++i) {
        const std::string name = std::to_string(thread) + "-" + std::to_string(i);
        const redis::Reply set = client.command({"SET", client.prefix(name) + "x", name, "GET"}, name);
        const redis::Reply got = client.command({"GET", client.prefix(name) + "x"}, name);
        if (!set.error().empty() || !got.error().empty()) continue;
        const bool is_mine = got->str != nullptr && std::string(got->str, got->len) == name;
        ++(is_mine ? right : wrong);
        if (thread == 0 && i == 250) cluster.process(cluster.ports()[2]).send_signal(SIGKILL);
      }
    });
  }
  threads.clear();
  CHECK(wrong == 0);
  CHECK(right > 1000);
}
