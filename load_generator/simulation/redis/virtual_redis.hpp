// A VirtualRedis is one Redis server process in memory: the commands that the breaker's script and its tests use, the
// script engine, expiry by a clock that the caller holds, and what the server pushes to connections that track or
// subscribe. It has no threads, sockets or clock: the same commands give the same bytes.
// Belongs to one thread. Errors: an error reply, whose first word is that of a real server.
// Limits: one database; a key expires when it is next used, not in the background; PUBLISH counts no subscribers; a
// large hash keeps the order of insertion. Source: Redis 7.0, to which the random tests beside this file hold it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "load_generator/simulation/redis/keyspace.hpp"
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

struct ServerState;

class VirtualRedis {
 public:
  // `run` identifies the server process: the first 16 hex digits of its run_id.
  explicit VirtualRedis(uint64_t run);
  ~VirtualRedis();
  VirtualRedis(VirtualRedis&&) noexcept;
  VirtualRedis& operator=(VirtualRedis&&) noexcept;

  // Another process on the same address: no data, no scripts, nothing counted. Only scripts_run() goes on.
  void restart(uint64_t run);

  // `now` is the server's clock. It stands still while a script runs.
  cb::redis::Reply execute(const std::vector<std::string>& command, cb::TimePoint now);

  // What was pushed since the last time, in order. A message is pushed at once. The keys that a command wrote follow
  // when it has ended, once each and sorted, as a real server announces them to connections that track by prefix.
  std::vector<Push> take_pushes();

  const Keyspace& data() const;
  void replace_data(Keyspace keys);    // as a replica that gets all data from its master: pushes all_keys
  void evict(const std::string& key);  // as maxmemory would: counted, and pushed
  uint64_t scripts_run() const;

  static std::vector<std::string> command_names();

 private:
  std::unique_ptr<ServerState> server_;
};

}  // namespace simulation
