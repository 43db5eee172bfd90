// A Client sends commands to the Redis that stores the breakers: one server, the master that Sentinels name, or a
// cluster. Each command has one deadline, which covers finding the server, connecting, logging in, sending and waiting.
// Thread-safe: every method. A connection belongs to one thread at a time; idle ones are kept for reuse, but none is
// used that was not seen to lead to the right server within the last second, or that is as old as one that timed out.
// Errors are values: Reply::error() is the server's error or, without a reply, names the server (without the password).
// A command that got no reply is never repeated: it may have run.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "redis_breaker/redis/address.hpp"
#include "redis_breaker/redis/connection.hpp"
#include "redis_breaker/redis/round_trips.hpp"
#include "redis_breaker/redis/routes/route.hpp"

namespace cb::redis {

class Client {
 public:
  // `key_prefix`: what the breakers' keys start with, 1 to 64 characters of A-Z a-z 0-9 _ - . / : and without a colon
  // at the end. Fleets with different ones share a Redis and no breaker. Throws std::invalid_argument.
  Client(Address address, std::chrono::milliseconds timeout, std::string key_prefix = "cb");
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // `name` is the breaker whose keys the command uses. With a deadline, for one command of several: by then.
  Reply command(const std::vector<std::string>& arguments, const std::string& name = "") {
    return command(arguments, name, Deadline(timeout()));
  }
  Reply command(const std::vector<std::string>& arguments, const std::string& name, const Deadline& deadline);

  // A new, separate connection to the node that an earlier reply came from; check its error(). It shows where the
  // address leads now: idle connections to another server are closed.
  std::unique_ptr<Connection> connect(size_t node);

  // After a time-out on a separate connection: those of the same age are not to be trusted either.
  void drop_idle(size_t node) { route_->drop_idle(node); }

  // The prefix of this breaker's keys: "cb:NAME:", in a cluster "cb:{NAME}:", so that one node stores all of them.
  std::string prefix(const std::string& name) const;
  std::string common_prefix() const { return key_prefix_ + ":"; }  // of the keys of all breakers

  // The channel on which transitions of the breakers of this service and its tenants are announced: "cb:NAME:news". All
  // databases of a server have the same channels, so that of another database than 0 is named: "cb:NAME:news:1".
  std::string channel(const std::string& service) const;

  bool is_cluster() const { return address_.kind == Address::Kind::cluster; }

  // How long an operation waits for Redis: at least the configured time, longer if it has been answering slowly.
  std::chrono::milliseconds timeout() const { return round_trips_.timeout(); }
  void record_round_trip(std::chrono::microseconds took) { round_trips_.record(took); }

  std::string to_text() const { return address_.to_text(); }  // without the password

 private:
  const Address address_;
  const std::string key_prefix_;
  RoundTrips round_trips_;
  const std::unique_ptr<Route> route_;
};

}  // namespace cb::redis
