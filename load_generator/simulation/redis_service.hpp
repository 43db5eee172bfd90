// A RedisService is Redis as simulated instances meet it: servers, one of which the address leads to, behind a network.
// Requests queue for a server that runs one at a time; connections that listen get what it announces, in order.
// What can happen to it: a crash, a restart with or without its data, a pause, a clock that jumps, a failover to a
// replica that lags.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "load_generator/simulation/event_loop.hpp"
#include "load_generator/simulation/network.hpp"
#include "load_generator/simulation/redis/virtual_redis.hpp"
#include "redis_breaker/cached_core.hpp"
#include "redis_breaker/feed/announced_text.hpp"
#include "redis_breaker/redis/connection.hpp"

namespace simulation {

// What a server announces on a connection that listens.
struct Announcement {
  std::vector<cb::WrittenKey> keys;  // that were written
  std::optional<cb::News> news;      // of a transition
  bool all_keys = false;
};

// Who listens. `connection`: of which it is; an older one no longer counts.
class RedisListener {
 public:
  virtual ~RedisListener() = default;
  virtual void announced(uint64_t connection, const Announcement& what) = 0;
  virtual void ponged(uint64_t connection) = 0;
  virtual void connection_lost(uint64_t connection) = 0;
};

// How long a server is busy with each, measured on a real one by ./scripts/dev/benchmark.sh redis_breaker.
struct RedisCosts {
  microseconds script{27};
  microseconds command{3};
  microseconds push{5};
};

class RedisService {
 public:
  static constexpr size_t most_servers = 2;       // a master, and a replica
  static constexpr size_t most_clients = 10'000;  // that wait; more are refused, as by Redis's maxclients

  RedisService(EventLoop& loop, Network& network, uint64_t seed, const RedisCosts& costs = {});

  // --- what instances do. No answer ever comes through a network that is cut.

  using Reply = std::shared_ptr<cb::redis::Reply>;  // with an error() if the connection was refused or broken
  using ReplyTo = std::shared_ptr<Answer<Reply>>;
  using Command = std::shared_ptr<const std::vector<std::string>>;  // may wait for longer than its sender
  void ask(Node from, Command command, ReplyTo answer) { serve(from, std::move(command), std::move(answer)); }

  struct Connected {
    uint64_t connection = 0;  // 0: refused
    uint64_t run = 0;         // of the server
  };
  void listen(Node from, std::weak_ptr<RedisListener> listener, std::shared_ptr<Answer<Connected>> answer);
  void ping(Node from, uint64_t connection);
  void close(uint64_t connection);

  // Called for each news that the leader publishes.
  void on_news(std::function<void(const cb::News&)> follower) { news_follower_ = std::move(follower); }

  // Called for each run of a script at the leader.
  using RunFollower = std::function<void(const std::vector<std::string>& command, const cb::redis::Reply& reply)>;
  void on_run(RunFollower follower) { run_follower_ = std::move(follower); }

  // --- what happens to it

  VirtualRedis& leader() { return *servers_[leader_].redis; }
  TimePoint leader_now() const { return now_of(servers_[leader_]); }
  void execute(const std::vector<std::string>& command);  // a person, at the leader, at once; if it is up
  void crash();
  void restart(bool with_data);
  void pause();
  void resume();
  void evict(uint64_t which);                               // of its keys; none if there are none
  void set_clock(microseconds by);                          // forwards or back
  void fail_over(milliseconds lag, bool old_leader_lives);  // the last writes, of `lag`, are lost
  bool is_up() const { return servers_[leader_].is_up && !servers_[leader_].is_paused; }
  bool is_down() const { return !servers_[leader_].is_up; }
  Node leader_node() const { return node_of(leader_); }
  bool leader_pushes_to(Node instance) const;
  cb::Mode mode_of(const std::string& breaker) const;  // as the leader has stored it

  uint64_t scripts_run() const;
  uint64_t commands() const { return commands_; }

 private:
  struct Listening {
    uint64_t number;  // of the connection
    Node node;
    std::weak_ptr<RedisListener> listener;
    TimePoint last_delivery{};
    bool is_closed = false;
  };
  struct Server {
    std::unique_ptr<VirtualRedis> redis;
    uint64_t run = 0;
    bool is_up = true;
    bool is_paused = false;
    bool is_busy = false;
    microseconds clock_offset{0};
    std::deque<EventLoop::Sleeper> queue{};  // requests that wait for their turn
    std::vector<Listening> listening{};      // by connection
    size_t closed = 0;                       // of these
    Keyspace replicated{};                   // what the replica has

    // Requests run one at a time, in order, and none while the server is paused. False: this server is gone, or too
    // many wait already.
    auto turn(EventLoop& loop) {
      struct Wait {
        EventLoop& loop;
        Server& server;
        const uint64_t run;
        bool is_refused;
        bool await_ready() const {
          const bool is_free = !server.is_busy && !server.is_paused;
          server.is_busy = server.is_busy || (is_free && server.is_up);
          return is_free || !server.is_up || is_refused;
        }
        void await_suspend(std::coroutine_handle<> waiting) { server.queue.push_back(loop.park(waiting)); }
        bool await_resume() const { return server.is_up && server.run == run && !is_refused; }
      };
      return Wait{loop, *this, run, queue.size() >= most_clients};
    }
  };

  Task serve(Node from, Command command, ReplyTo answer);
  Task accept(Node from, std::weak_ptr<RedisListener> listener, std::shared_ptr<Answer<Connected>> answer);
  TimePoint now_of(const Server& server) const { return loop_.now() + server.clock_offset; }
  Task pong(size_t index, uint64_t connection);
  void end_turn(Server& server, microseconds after);
  void run_next(Server& server);
  void drop_queue(Server& server);
  void end(Server& server);
  void start(Server& server);
  microseconds announce(size_t index, microseconds from_now);
  void deliver(size_t index, Listening& to, TimePoint sent, std::shared_ptr<const Announcement> what);
  static Listening* find(Server& server, uint64_t connection);
  void break_connections(Server& server);
  static Node node_of(size_t server) { return first_redis_node + static_cast<Node>(server); }

  EventLoop& loop_;
  Network& network_;
  const RedisCosts costs_;
  Random random_;
  std::array<Server, most_servers> servers_;
  size_t leader_ = 0;
  std::function<void(const cb::News&)> news_follower_;
  RunFollower run_follower_;
  uint64_t connections_ = 0;
  uint64_t commands_ = 0;
};

}  // namespace simulation
