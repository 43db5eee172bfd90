// A Redis is a pool of connections to one server. Every command has one deadline for all that it takes: connecting,
// logging in, sending and waiting.
// Thread-safe: command(). A connection belongs to one thread at a time; idle ones are kept for the next.
// Errors are values: RedisReply::error() is what the server said or, where there was no answer, which server gave none
// (without the password). A command that got no answer is never repeated, as nobody knows whether it ran.
// Limit: a host's name is looked up by the system, without a deadline; give an address where that may hang.
// Source: protocol and parsing are hiredis's (0.14 to 1.x). Sending and receiving are ours: hiredis's own time-out is
// for each read, so that a server that trickles holds its caller, and its write may raise SIGPIPE.
#pragma once

#include <hiredis/hiredis.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "redis_breaker/redis_address.hpp"

namespace cb {

class RedisReply {
 public:
  explicit RedisReply(redisReply* reply);  // takes it over; an error reply of the server becomes error()
  static RedisReply failed(std::string error);

  const std::string& error() const { return error_; }  // empty: all is well, and the reply is there
  const redisReply& operator*() const { return *reply_; }
  const redisReply* operator->() const { return reply_.get(); }

 private:
  RedisReply() = default;

  struct Free {
    void operator()(redisReply* reply) const { freeReplyObject(reply); }
  };
  std::unique_ptr<redisReply, Free> reply_;
  std::string error_;
};

class Redis {
 public:
  Redis(RedisAddress address, std::chrono::milliseconds timeout);
  ~Redis();
  Redis(const Redis&) = delete;
  Redis& operator=(const Redis&) = delete;

  RedisReply command(const std::vector<std::string>& arguments);

 private:
  class Connection;
  std::unique_ptr<Connection> take_idle();
  void keep(std::unique_ptr<Connection> connection);

  const RedisAddress address_;
  const std::chrono::milliseconds timeout_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;  // guarded by mutex_
};

}  // namespace cb
