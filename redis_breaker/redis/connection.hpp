// A Connection is one connection to one server, logged in, and what is said over it. After a failure it is broken
// for good: an answer that comes late must not be taken for the next one.
// Belongs to one thread at a time. Every operation has a deadline, for all that it takes: connecting, logging in,
// sending and waiting. Errors are values: error() says what broke the connection, without the password.
// Limit: a host's name is looked up by the system, without a deadline; give an address where that may hang.
// Source: protocol and parsing are hiredis's (0.14 to 1.x). Sending and receiving are ours: hiredis's own time-out is
// for each read, so that a server that trickles holds its caller, and its write may raise SIGPIPE.
#pragma once

#include <hiredis/hiredis.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "redis_breaker/redis/address.hpp"
#include "redis_breaker/redis/tls.hpp"

namespace cb::redis {

// Who said something: which of the nodes that a Redis knows, and in which of its lives. A server that was started
// again, or took another's place, has another `run`: it may not remember what the one before it had said.
struct Origin {
  size_t node = 0;
  uint64_t run = 0;  // the first 16 digits of its run_id; 0: nobody said anything
  bool operator==(const Origin&) const = default;
};

class Reply {
 public:
  explicit Reply(redisReply* reply);  // takes it over; an error reply of the server becomes error()
  static Reply failed(std::string error);

  const std::string& error() const { return error_; }   // empty: all is well, and the reply is there
  bool is_answer() const { return reply_ != nullptr; }  // a server's, if only an error
  const Origin& origin() const { return origin_; }
  void came_from(Origin origin) { origin_ = origin; }
  const redisReply& operator*() const { return *reply_; }
  const redisReply* operator->() const { return reply_.get(); }

 private:
  Reply() = default;

  struct Free {
    void operator()(redisReply* reply) const { freeReplyObject(reply); }
  };
  std::unique_ptr<redisReply, Free> reply_;
  std::string error_;
  Origin origin_;
};

// "" where it is not a string. It lives as long as the reply.
std::string_view text_of(const redisReply& reply);

// A point in time until which something must be done.
struct Deadline {
  explicit Deadline(std::chrono::microseconds from_now) : at(std::chrono::steady_clock::now() + from_now) {}
  Deadline share(size_t parts) const { return Deadline(left() / parts); }  // for one of several things to be done
  std::chrono::microseconds left() const;                                  // 0: it is over
  bool wait_until_ready(int fd, short events) const;

  const std::chrono::steady_clock::time_point at;
};

// What a server says of itself when a connection is made.
struct ServerInfo {
  enum class Mode { standalone, sentinel, cluster };
  uint64_t run = 0;  // as in Origin
  Mode mode = Mode::standalone;
  bool is_replica = false;
  bool is_read_only = false;
};

class Connection {
 public:
  // Connects to the one server that `address` names, and logs in; see error() for whether that went well.
  Connection(const Address& address, const Deadline& deadline);

  // In place of a connection, where there is none to be had.
  static std::unique_ptr<Connection> failed(const std::string& error);

  const std::string& error() const { return error_; }
  bool fail(const std::string& error);  // from now on it is broken; false, for convenience
  const ServerInfo& server() const { return server_; }
  int fd() const { return context_ ? context_->fd : -1; }

  Reply command(const std::vector<std::string>& arguments, const Deadline& deadline);

  // The two halves of command(), for a connection on which the server speaks first.
  bool send(const std::vector<std::string>& arguments, const Deadline& deadline);
  Reply receive(const Deadline& deadline);
  std::vector<Reply> receive_all(const Deadline& deadline);  // waits for one; none: broken, see error()
  bool has_input() const;                                    // or it was closed: receive() would not wait

 private:
  struct Close {
    void operator()(redisContext* context) const { redisFree(context); }
  };

  Connection() = default;
  bool secure(const Address& address, const Deadline& deadline);
  void log_in(const Address& address, const Deadline& deadline);
  Step try_to_send(const char* data, size_t size);
  Step try_to_receive(char* data, size_t size);
  bool has_buffered() const { return tls_ && tls_->has_buffered(); }
  redisReply* read(const Deadline& deadline);
  bool feed_reader(size_t& received, const Deadline& deadline);

  std::unique_ptr<redisContext, Close> context_;
  std::unique_ptr<TlsStream> tls_;  // over context_'s socket, and gone before it
  std::string error_;
  ServerInfo server_;
};

}  // namespace cb::redis
