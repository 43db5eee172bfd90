// A VirtualRedis is one Redis server process in memory: the commands that the breaker's script and its tests use, the
// script engine, expiry by a clock that the caller holds, and what the server pushes to connections that track or
// subscribe. It has no threads, sockets or time of its making: the same commands give the same bytes.
// Belongs to one thread. Errors: an error reply, whose first word is that of a real server.
// Limits: one database; keys expire when they are next used, not in the background; every channel has no subscriber.
// Source: Redis 7.0, to which virtual_redis_test.cpp holds it.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "load_generator/simulation/redis/keyspace.hpp"
#include "load_generator/simulation/redis/lua_scripts.hpp"
#include "redis_breaker/redis/connection.hpp"
#include "simple_breaker/breaker.hpp"

namespace simulation {

// What a server announces: a key was written or removed, all keys were, or a message was published.
struct Push {
  enum class Kind { key_written, all_keys, message };
  Kind kind = Kind::all_keys;
  std::string key_or_channel{};
  std::string text{};
  bool operator==(const Push&) const = default;
};

class VirtualRedis : private CommandTarget {
 public:
  // `run` identifies this server process: the first 16 hex digits of its run_id.
  explicit VirtualRedis(uint64_t run);

  // `now` is the server's clock. It stands still while a script runs.
  cb::redis::Reply execute(const std::vector<std::string>& command, cb::TimePoint now);

  // What was pushed since the last time, in order. Messages are pushed at once, keys once each and sorted when their
  // command has ended: a real server collects them for connections that track by prefix.
  std::vector<Push> take_pushes();

  const Keyspace& data() const { return keys_; }
  void replace_data(Keyspace keys);    // as after a full resync: everything cached is stale
  void evict(const std::string& key);  // as maxmemory would: counted, and pushed
  uint64_t scripts_run() const { return scripts_run_; }
  static std::vector<std::string> command_names();

 private:
  struct Command;
  static const Command* find_command(std::string_view name);

  ReplyTree call(Arguments command) override;
  ReplyTree run(std::string_view sha1, Arguments command);

  Entry* find(std::string_view key);
  template <class T>
  T* find(std::string_view key);
  template <class T>
  T& find_or_create(std::string_view key);
  bool remove(std::string_view key);
  void remove_if_empty(std::string_view key, bool is_empty);
  void announce(std::string_view key) { written_.emplace(key); }
  void push_written_keys();
  int64_t now_ms() const;
  int64_t expiry_after(std::string_view milliseconds, std::string_view command) const;

  ReplyTree time(Arguments);
  ReplyTree get(Arguments);
  ReplyTree set(Arguments);
  ReplyTree mget(Arguments);
  ReplyTree hgetall(Arguments);
  ReplyTree hset(Arguments);
  ReplyTree hdel(Arguments);
  ReplyTree zadd(Arguments);
  ReplyTree zcount(Arguments);
  ReplyTree zrem(Arguments);
  ReplyTree zremrangebyrank(Arguments);
  ReplyTree zremrangebyscore(Arguments);
  ReplyTree zrange(Arguments);
  ReplyTree pexpire(Arguments);
  ReplyTree pttl(Arguments);
  ReplyTree type(Arguments);
  ReplyTree del(Arguments);
  ReplyTree info(Arguments);
  ReplyTree publish(Arguments);
  ReplyTree eval(Arguments);
  ReplyTree evalsha(Arguments);
  ReplyTree script(Arguments);
  ReplyTree flushall(Arguments);
  ReplyTree flushdb(Arguments);
  ReplyTree ping(Arguments);
  ReplyTree config(Arguments);
  ReplyTree flush(Arguments, uint64_t& calls);

  const uint64_t run_;
  cb::TimePoint now_{};
  Keyspace keys_;
  std::set<std::string, std::less<>> written_;  // by the present command
  std::vector<Push> pushes_;
  uint64_t scripts_run_ = 0;
  uint64_t evicted_keys_ = 0;
  uint64_t flushall_calls_ = 0;
  uint64_t flushdb_calls_ = 0;
  std::unique_ptr<LuaScripts> scripts_ = std::make_unique<LuaScripts>();
  bool is_in_script_ = false;
};

}  // namespace simulation
