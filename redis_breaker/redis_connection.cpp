#include "redis_breaker/redis_connection.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

namespace cb {
namespace {

constexpr size_t longest_reply = 64 * 1024;

bool may_try_again() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

// The first 16 digits of "run_id:5c7a...", of which 40 are given.
uint64_t run_in(std::string_view info) {
  constexpr std::string_view field = "run_id:";
  const auto at = info.find(field);
  uint64_t run = 0;
  if (at == std::string_view::npos) return run;
  const std::string_view digits = info.substr(at + field.size(), 16);
  std::from_chars(digits.data(), digits.data() + digits.size(), run, 16);
  return run;
}

}  // namespace

RedisReply::RedisReply(redisReply* reply) : reply_(reply) {
  if (reply->type == REDIS_REPLY_ERROR) error_.assign(reply->str, reply->len);
}

RedisReply RedisReply::failed(std::string error) {
  RedisReply reply;
  reply.error_ = std::move(error);
  return reply;
}

std::chrono::microseconds Deadline::left() const {
  using std::chrono::microseconds;
  const auto left = std::chrono::duration_cast<microseconds>(at - std::chrono::steady_clock::now());
  return std::max(microseconds(0), left);
}

bool Deadline::wait_until_ready(int fd, short events) const {
  pollfd descriptor{fd, events, 0};
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left()).count();
  int ready = 0;
  do {
    ready = poll(&descriptor, 1, static_cast<int>(ms));
  } while (ready < 0 && errno == EINTR);
  return ready == 1;
}

RedisConnection::RedisConnection(const RedisAddress& address, const Deadline& deadline) {
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

void RedisConnection::log_in(const RedisAddress& address, const Deadline& deadline) {
  if (!address.password.empty()) {
    const std::vector<std::string> auth = address.user.empty()
                                              ? std::vector<std::string>{"AUTH", address.password}
                                              : std::vector<std::string>{"AUTH", address.user, address.password};
    error_ = command(auth, deadline).error();
  }
  if (error_.empty() && address.database != 0) {
    error_ = command({"SELECT", std::to_string(address.database)}, deadline).error();
  }
  if (!error_.empty()) return;
  const RedisReply info = command({"INFO", "server"}, deadline);
  error_ = info.error();
  if (error_.empty() && info->str != nullptr) run_ = run_in({info->str, info->len});
}

bool RedisConnection::fail(const std::string& error) {
  error_ = error;
  return false;
}

RedisReply RedisConnection::command(const std::vector<std::string>& arguments, const Deadline& deadline) {
  if (!send(arguments, deadline)) return RedisReply::failed(error_);
  return receive(deadline);
}

bool RedisConnection::send(const std::vector<std::string>& arguments, const Deadline& deadline) {
  std::vector<const char*> texts;
  std::vector<size_t> lengths;
  for (const auto& argument : arguments) {
    texts.push_back(argument.data());
    lengths.push_back(argument.size());
  }
  char* formatted = nullptr;
  const auto length = redisFormatCommandArgv(&formatted, static_cast<int>(texts.size()), texts.data(), lengths.data());
  if (length < 0) return fail("out of memory");
  const std::unique_ptr<char, void (*)(char*)> owner(formatted, redisFreeCommand);
  for (size_t sent = 0; sent < static_cast<size_t>(length);) {
    const auto count = ::send(fd(), formatted + sent, length - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) {
      sent += static_cast<size_t>(count);
    } else if (!may_try_again()) {
      return fail(std::strerror(errno));
    } else if (!deadline.wait_until_ready(fd(), POLLOUT)) {
      return fail("no answer in time");
    }
  }
  return true;
}

RedisReply RedisConnection::receive(const Deadline& deadline) {
  redisReply* reply = read(deadline);
  return reply == nullptr ? RedisReply::failed(error_) : RedisReply(reply);
}

std::vector<RedisReply> RedisConnection::receive_all(const Deadline& deadline) {
  std::vector<RedisReply> replies;
  void* reply = read(deadline);
  while (reply != nullptr) {
    replies.emplace_back(static_cast<redisReply*>(reply));
    reply = nullptr;
    if (redisReaderGetReply(context_->reader, &reply) != REDIS_OK) fail(context_->reader->errstr);
  }
  return replies;
}

bool RedisConnection::has_input() const {
  pollfd descriptor{fd(), POLLIN, 0};
  return poll(&descriptor, 1, 0) != 0;
}

redisReply* RedisConnection::read(const Deadline& deadline) {
  std::array<char, 4096> buffer;
  size_t received = 0;
  void* reply = nullptr;
  while (true) {
    if (redisReaderGetReply(context_->reader, &reply) != REDIS_OK) {
      fail(context_->reader->errstr);
      return nullptr;
    }
    if (reply != nullptr) return static_cast<redisReply*>(reply);
    if (!deadline.wait_until_ready(fd(), POLLIN)) {
      fail("no answer in time");
      return nullptr;
    }
    const auto count = recv(fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count < 0 && may_try_again()) continue;
    received += count > 0 ? static_cast<size_t>(count) : 0;
    if (count <= 0 || received > longest_reply) {
      fail(count < 0 ? std::strerror(errno) : count == 0 ? "connection closed" : "answer too long");
      return nullptr;
    }
    redisReaderFeed(context_->reader, buffer.data(), static_cast<size_t>(count));
  }
}

}  // namespace cb
