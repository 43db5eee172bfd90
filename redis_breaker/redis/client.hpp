// A Redis is where the breakers' state lives: one server, the master that Sentinels name, or a cluster. Every command
// has one deadline for all that it takes: finding the server, connecting, logging in, sending and waiting.
// Thread-safe: every method. A connection belongs to one thread at a time; idle ones are kept for the next.
// Errors are values: Reply::error() is what the server said or, where there was no answer, which server gave none
// (without the password). A command that got no answer is never repeated, as nobody knows whether it ran.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "redis_breaker/redis/address.hpp"
#include "redis_breaker/redis/connection.hpp"
#include "redis_breaker/redis/route.hpp"

namespace cb::redis {

class Client {
 public:
  Client(Address address, std::chrono::milliseconds timeout);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // `name`: of the breaker whose keys the command uses.
  Reply command(const std::vector<std::string>& arguments, const std::string& name = "");

  // A connection of the caller's own to a node that an earlier reply came from; see its error().
  std::unique_ptr<Connection> connect(size_t node);

  // What the keys of this breaker begin with: "cb:NAME:", and in a cluster "cb:{NAME}:", so that one node has them all.
  std::string prefix(const std::string& name) const;

  std::chrono::milliseconds timeout() const { return timeout_; }
  std::string to_text() const { return address_.to_text(); }  // without the password

 private:
  const Address address_;
  const std::chrono::milliseconds timeout_;
  const std::unique_ptr<Route> route_;
};

}  // namespace cb::redis
