// A Connection is one connection to one server, logged in. After a failure it stays broken: a reply that arrives late
// must not be taken for the next one. It belongs to one thread at a time.
// Every operation has one deadline, which covers connecting, logging in, sending and waiting. Errors are values:
// error() is what broke the connection, without the password. Limit: the system resolves host names, without a
// deadline; use addresses where DNS may hang. Source: protocol and parsing are hiredis's (0.14 to 1.x). Sending and
// receiving are ours: hiredis's time-out applies to each read, so a server that trickles would block its caller, and
// its write may raise SIGPIPE.
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

using SteadyTime = std::chrono::steady_clock::time_point;

// The server that sent a reply: the node's number and its process. A server that was restarted or promoted has another
// `run`: it may lack state that its predecessor reported.
struct Origin {
  size_t node = 0;
  uint64_t run = 0;  // the first 16 digits of its run_id; 0: unknown
  bool operator==(const Origin&) const = default;
};

class Reply {
 public:
  explicit Reply(redisReply* reply);  // takes ownership; an error reply becomes error()
  static Reply failed(std::string error);

  const std::string& error() const { return error_; }   // empty: success, and there is a reply
  bool is_answer() const { return reply_ != nullptr; }  // a server replied, perhaps with an error
  const Origin& origin() const { return origin_; }
  SteadyTime verified_at() const { return verified_at_; }  // Connection::verified_at() of its connection
  void came_from(Origin origin, SteadyTime verified_at);
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
  SteadyTime verified_at_{};
};

// "" unless it is a string. Valid as long as the reply.
std::string_view text_of(const redisReply& reply);

// The point in time by which an operation must finish. If the waiting thread itself was not running at that time, the
// machine is busy and the server may be as late: then the operation gets the same time once more.
class Deadline {
 public:
  explicit Deadline(std::chrono::microseconds from_now)
      : length_(from_now), at_(std::chrono::steady_clock::now() + from_now) {}
  Deadline share(size_t parts) const { return Deadline(left() / parts); }  // for one of several steps
  std::chrono::microseconds left() const;                                  // 0: expired
  bool wait_until_ready(int fd, short events) const;

 private:
  bool extend() const;

  const std::chrono::microseconds length_;
  mutable std::chrono::steady_clock::time_point at_;
  mutable bool is_extended_ = false;
};

// What a server reports about itself when a connection is made.
struct ServerInfo {
  enum class Mode { standalone, sentinel, cluster };
  uint64_t run = 0;  // as in Origin
  Mode mode = Mode::standalone;
  bool is_replica = false;
  bool is_read_only = false;
  bool operator==(const ServerInfo&) const = default;
};

class Connection {
 public:
  // Connects to the server that `address` names, and logs in; check error().
  Connection(const Address& address, const Deadline& deadline);

  // Stands for a connection that could not be made.
  static std::unique_ptr<Connection> failed(const std::string& error);

  const std::string& error() const { return error_; }
  bool fail(const std::string& error);  // breaks the connection; returns false for convenience
  const ServerInfo& server() const { return server_; }

  // When its address was last seen to lead to this server: at first, when connecting began.
  SteadyTime verified_at() const { return verified_at_; }
  void verified(SteadyTime at) { verified_at_ = at; }

  int fd() const { return context_ ? context_->fd : -1; }

  Reply command(const std::vector<std::string>& arguments, const Deadline& deadline);

  // The two halves of command(), for a connection on which the server sends by itself.
  bool send(const std::vector<std::string>& arguments, const Deadline& deadline);
  Reply receive(const Deadline& deadline);
  std::vector<Reply> receive_all();  // that have arrived: does not wait
  bool has_input() const;            // or was closed: receive() would not wait

 private:
  struct Close {
    void operator()(redisContext* context) const { redisFree(context); }
  };

  Connection() = default;
  bool secure(const Address& address, const Deadline& deadline);
  void log_in(const Address& address, const Deadline& deadline);
  bool receive_info(std::string& info, const Deadline& deadline);
  Step try_to_send(const char* data, size_t size);
  Step try_to_receive(char* data, size_t size);
  bool has_buffered() const { return tls_ && tls_->has_buffered(); }
  redisReply* read(const Deadline& deadline);
  redisReply* parse();
  Step feed_reader(size_t& received);

  std::unique_ptr<redisContext, Close> context_;
  std::unique_ptr<TlsStream> tls_;  // uses context_'s socket, so it must be destroyed first
  std::string error_;
  ServerInfo server_;
  SteadyTime verified_at_ = std::chrono::steady_clock::now();
};

}  // namespace cb::redis
