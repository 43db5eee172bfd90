#include "redis_breaker/redis.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

namespace cb {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr size_t longest_reply = 64 * 1024;

struct Deadline {
  SteadyClock::time_point at;

  std::chrono::microseconds left() const {
    return std::max(std::chrono::microseconds(0),
                    std::chrono::duration_cast<std::chrono::microseconds>(at - SteadyClock::now()));
  }
  bool wait_until_ready(int fd, short events) const {
    pollfd descriptor{fd, events, 0};
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left()).count();
    int ready = 0;
    do {
      ready = poll(&descriptor, 1, static_cast<int>(ms));
    } while (ready < 0 && errno == EINTR);
    return ready == 1;
  }
};

bool may_try_again() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

RedisReply::RedisReply(redisReply* reply) : reply_(reply) {
  if (reply->type == REDIS_REPLY_ERROR) error_.assign(reply->str, reply->len);
}

RedisReply RedisReply::failed(std::string error) {
  RedisReply reply;
  reply.error_ = std::move(error);
  return reply;
}

// One connection. After a failure it is broken for good: an answer that comes late must not be taken for the next one.
class Redis::Connection {
 public:
  Connection(const RedisAddress& address, const Deadline& deadline) {
    const auto left = deadline.left();
    const timeval timeout{static_cast<time_t>(left.count() / 1'000'000),
                          static_cast<suseconds_t>(left.count() % 1'000'000)};
    context_.reset(address.socket.empty() ? redisConnectWithTimeout(address.host.c_str(), address.port, timeout)
                                          : redisConnectUnixWithTimeout(address.socket.c_str(), timeout));
    if (!context_ || context_->err != 0) {
      error_ = context_ ? context_->errstr : "out of memory";
      return;
    }
    log_in(address, deadline);
  }

  const std::string& error() const { return error_; }

  // The server closed it, or sent something that nobody asked for.
  bool stale() const {
    pollfd descriptor{context_->fd, POLLIN, 0};
    return poll(&descriptor, 1, 0) != 0;
  }

  RedisReply run(const std::vector<std::string>& arguments, const Deadline& deadline) {
    if (!send(arguments, deadline)) return RedisReply::failed(error_);
    redisReply* reply = receive(deadline);
    return reply == nullptr ? RedisReply::failed(error_) : RedisReply(reply);
  }

 private:
  struct Close {
    void operator()(redisContext* context) const { redisFree(context); }
  };

  void log_in(const RedisAddress& address, const Deadline& deadline) {
    if (!address.password.empty()) {
      const std::vector<std::string> auth = address.user.empty()
                                                ? std::vector<std::string>{"AUTH", address.password}
                                                : std::vector<std::string>{"AUTH", address.user, address.password};
      error_ = run(auth, deadline).error();
    }
    if (error_.empty() && address.database != 0) {
      error_ = run({"SELECT", std::to_string(address.database)}, deadline).error();
    }
  }

  bool fail(const std::string& error) {
    error_ = error;
    return false;
  }

  bool send(const std::vector<std::string>& arguments, const Deadline& deadline) {
    std::vector<const char*> texts;
    std::vector<size_t> lengths;
    for (const auto& argument : arguments) {
      texts.push_back(argument.data());
      lengths.push_back(argument.size());
    }
    char* formatted = nullptr;
    const auto length =
        redisFormatCommandArgv(&formatted, static_cast<int>(texts.size()), texts.data(), lengths.data());
    if (length < 0) return fail("out of memory");
    const std::unique_ptr<char, void (*)(char*)> owner(formatted, redisFreeCommand);
    for (size_t sent = 0; sent < static_cast<size_t>(length);) {
      const auto count = ::send(context_->fd, formatted + sent, length - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count > 0) {
        sent += static_cast<size_t>(count);
      } else if (!may_try_again()) {
        return fail(std::strerror(errno));
      } else if (!deadline.wait_until_ready(context_->fd, POLLOUT)) {
        return fail("no answer in time");
      }
    }
    return true;
  }

  redisReply* receive(const Deadline& deadline) {
    std::array<char, 4096> buffer;
    size_t received = 0;
    void* reply = nullptr;
    while (true) {
      if (redisReaderGetReply(context_->reader, &reply) != REDIS_OK) {
        fail(context_->reader->errstr);
        return nullptr;
      }
      if (reply != nullptr) return static_cast<redisReply*>(reply);
      if (!deadline.wait_until_ready(context_->fd, POLLIN)) {
        fail("no answer in time");
        return nullptr;
      }
      const auto count = recv(context_->fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (count < 0 && may_try_again()) continue;
      received += count > 0 ? static_cast<size_t>(count) : 0;
      if (count <= 0 || received > longest_reply) {
        fail(count < 0 ? std::strerror(errno) : count == 0 ? "connection closed" : "answer too long");
        return nullptr;
      }
      redisReaderFeed(context_->reader, buffer.data(), static_cast<size_t>(count));
    }
  }

  std::unique_ptr<redisContext, Close> context_;
  std::string error_;
};

Redis::Redis(RedisAddress address, std::chrono::milliseconds timeout)
    : address_(std::move(address)), timeout_(timeout) {}

Redis::~Redis() = default;

RedisReply Redis::command(const std::vector<std::string>& arguments) {
  const Deadline deadline{SteadyClock::now() + timeout_};
  auto connection = take_idle();
  if (!connection) connection = std::make_unique<Connection>(address_, deadline);
  if (!connection->error().empty()) return RedisReply::failed(address_.to_text() + ": " + connection->error());
  RedisReply reply = connection->run(arguments, deadline);
  if (!connection->error().empty()) return RedisReply::failed(address_.to_text() + ": " + connection->error());
  keep(std::move(connection));
  return reply;
}

std::unique_ptr<Redis::Connection> Redis::take_idle() {
  const std::scoped_lock lock(mutex_);
  while (!idle_.empty()) {
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    if (!connection->stale()) return connection;
  }
  return nullptr;
}

void Redis::keep(std::unique_ptr<Connection> connection) {
  const std::scoped_lock lock(mutex_);
  idle_.push_back(std::move(connection));
}

}  // namespace cb
