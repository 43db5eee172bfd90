#include "redis_breaker/redis/connection.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

namespace cb::redis {
namespace {

constexpr size_t longest_reply = 64 * 1024;
constexpr std::chrono::milliseconds punctual{5};  // a thread that wakes up later than this was kept waiting for a core

// By an ACL, or because the command was renamed.
bool is_refused(const std::string& error) {
  return error.rfind("NOPERM", 0) == 0 || error.rfind("ERR unknown command", 0) == 0;
}

// The value of a "FIELD:value" line in INFO's reply; empty if there is none.
std::string_view field(std::string_view info, std::string_view name) {
  const auto at = info.find(name);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = info.substr(at + name.size());
  return rest.substr(0, rest.find('\r'));
}

void parse_info(std::string_view info, ServerInfo& server) {
  using Mode = ServerInfo::Mode;
  const std::string_view run = field(info, "\nrun_id:").substr(0, 16);
  std::from_chars(run.data(), run.data() + run.size(), server.run, 16);
  const std::string_view mode = field(info, "_mode:");  // redis_mode, or Valkey's server_mode
  server.mode = mode == "cluster" ? Mode::cluster : mode == "sentinel" ? Mode::sentinel : Mode::standalone;
  server.is_replica = field(info, "\nrole:") == "slave";
  server.is_read_only = server.is_replica && field(info, "\nslave_read_only:") != "0";
}

// The kernel gives up a peer that has not answered for ten seconds, whether data is under way or not.
void keep_alive(int fd) {
  const auto set = [fd](int level, int option, int value) { setsockopt(fd, level, option, &value, sizeof value); };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 5);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 1);
  set(IPPROTO_TCP, TCP_KEEPCNT, 5);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, 10'000);
}

// The commands that log in, sent together with the first INFO.
std::vector<std::vector<std::string>> login(const Address& address) {
  std::vector<std::vector<std::string>> commands;
  if (!address.password.empty() && address.user.empty()) commands.push_back({"AUTH", address.password});
  if (!address.password.empty() && !address.user.empty()) {
    commands.push_back({"AUTH", address.user, address.password});
  }
  if (address.database != 0) commands.push_back({"SELECT", std::to_string(address.database)});
  return commands;
}

}  // namespace

Reply::Reply(redisReply* reply) : reply_(reply) {
  if (reply->type == REDIS_REPLY_ERROR) error_.assign(reply->str, reply->len);
}

std::string_view text_of(const redisReply& reply) {
  return reply.type == REDIS_REPLY_STRING ? std::string_view(reply.str, reply.len) : std::string_view();
}

void Reply::came_from(Origin origin, SteadyTime verified_at) {
  origin_ = origin;
  verified_at_ = verified_at;
}

Reply Reply::failed(std::string error) {
  Reply reply;
  reply.error_ = std::move(error);
  return reply;
}

std::chrono::microseconds Deadline::left() const {
  using std::chrono::microseconds;
  const auto left = std::chrono::duration_cast<microseconds>(at_ - std::chrono::steady_clock::now());
  return std::max(microseconds(0), left);
}

bool Deadline::wait_until_ready(int fd, short events) const {
  pollfd descriptor{fd, events, 0};
  int ready = 0;
  do {  // a signal interrupts poll(), and must not restart the wait
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left()).count();
    ready = poll(&descriptor, 1, static_cast<int>(ms));
  } while ((ready < 0 && errno == EINTR) || (ready == 0 && extend()));
  return ready == 1;
}

bool Deadline::extend() const {
  const auto now = std::chrono::steady_clock::now();
  if (is_extended_ || now - at_ < punctual) return false;
  is_extended_ = true;
  at_ = now + length_;
  return true;
}

Connection::Connection(const Address& address, const Deadline& deadline) {
  const auto left = deadline.left();
  const timeval timeout{static_cast<time_t>(left.count() / 1'000'000),
                        static_cast<suseconds_t>(left.count() % 1'000'000)};
  context_.reset(address.socket.empty() ? redisConnectWithTimeout(address.host.c_str(), address.port, timeout)
                                        : redisConnectUnixWithTimeout(address.socket.c_str(), timeout));
  if (!context_ || context_->err != 0) {
    error_ = context_ ? context_->errstr : "out of memory";
    return;
  }
  if (address.socket.empty()) keep_alive(fd());
  if (!address.tls || secure(address, deadline)) log_in(address, deadline);
}

std::unique_ptr<Connection> Connection::failed(const std::string& error) {
  auto connection = std::unique_ptr<Connection>(new Connection);
  connection->error_ = error;
  return connection;
}

bool Connection::secure(const Address& address, const Deadline& deadline) {
  tls_ = std::make_unique<TlsStream>(*address.tls, fd(), address.host);
  while (true) {
    const Step step = tls_->shake_hands();
    if (!step.fault.empty()) return fail(step.fault);
    if (step.wait_for == 0) return true;
    if (!deadline.wait_until_ready(fd(), step.wait_for)) return fail("no answer in time to the TLS handshake");
  }
}

void Connection::log_in(const Address& address, const Deadline& deadline) {
  const auto commands = login(address);
  for (const auto& command : commands) {
    if (!send(command, deadline)) return;
  }
  if (!send({"INFO", "server", "replication"}, deadline)) return;
  for (size_t i = 0; i < commands.size(); ++i) {
    const Reply reply = receive(deadline);
    if (reply.error().empty()) continue;
    fail(reply.error());
    return;
  }
  std::string info;
  if (receive_info(info, deadline)) parse_info(info, server_);
}

// Without permission for INFO the run is unknown, and nothing is restored after a loss.
bool Connection::receive_info(std::string& info, const Deadline& deadline) {
  const Reply reply = receive(deadline);
  if (is_refused(reply.error())) return true;
  const bool takes_one_section = reply.error() == "ERR syntax error";  // before Redis 7
  if (takes_one_section) {
    return send({"INFO", "server"}, deadline) && send({"INFO", "replication"}, deadline) &&
           receive_info(info, deadline) && receive_info(info, deadline);
  }
  if (!reply.error().empty()) return fail(reply.error());
  if (reply->str != nullptr) info.append(reply->str, reply->len);
  return true;
}

bool Connection::fail(const std::string& error) {
  error_ = error;
  return false;
}

Reply Connection::command(const std::vector<std::string>& arguments, const Deadline& deadline) {
  if (!send(arguments, deadline)) return Reply::failed(error_);
  return receive(deadline);
}

bool Connection::send(const std::vector<std::string>& arguments, const Deadline& deadline) {
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
    const Step step = try_to_send(formatted + sent, static_cast<size_t>(length) - sent);
    if (!step.fault.empty()) return fail(step.fault);
    if (step.wait_for != 0 && !deadline.wait_until_ready(fd(), step.wait_for)) return fail("no answer in time");
    sent += step.bytes;
  }
  return true;
}

Step Connection::try_to_send(const char* data, size_t size) {
  if (tls_) return tls_->send(data, size);
  const auto count = ::send(fd(), data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count >= 0) return {.bytes = static_cast<size_t>(count)};
  return may_try_again() ? Step{.wait_for = POLLOUT} : Step{.fault = std::strerror(errno)};
}

Step Connection::try_to_receive(char* data, size_t size) {
  if (tls_) return tls_->receive(data, size);
  const auto count = recv(fd(), data, size, MSG_DONTWAIT);
  if (count > 0) return {.bytes = static_cast<size_t>(count)};
  if (count == 0) return {.fault = "connection closed"};
  return may_try_again() ? Step{.wait_for = POLLIN} : Step{.fault = std::strerror(errno)};
}

Reply Connection::receive(const Deadline& deadline) {
  redisReply* reply = read(deadline);
  return reply == nullptr ? Reply::failed(error_) : Reply(reply);
}

std::vector<Reply> Connection::receive_all() {
  std::vector<Reply> replies;
  size_t received = 0;
  for (bool is_drained = false; !is_drained && error_.empty();) {
    is_drained = feed_reader(received).wait_for != 0;
    while (redisReply* const reply = parse()) {
      replies.emplace_back(reply);
      received = 0;
    }
  }
  return replies;
}

bool Connection::has_input() const {
  if (context_->reader->pos < context_->reader->len) return true;
  if (tls_) return tls_->has_input();
  pollfd descriptor{fd(), POLLIN, 0};
  return poll(&descriptor, 1, 0) != 0;
}

// Waits for input, unless TLS has buffered some: poll() does not see that.
redisReply* Connection::read(const Deadline& deadline) {
  size_t received = 0;
  short wait_for = POLLIN;
  while (true) {
    redisReply* const reply = parse();
    if (reply != nullptr || !error_.empty()) return reply;
    if (!has_buffered() && !deadline.wait_until_ready(fd(), wait_for)) fail("no answer in time");
    if (!error_.empty()) return nullptr;
    const Step step = feed_reader(received);
    wait_for = POLLIN;
    if (step.wait_for != 0) wait_for = step.wait_for;
  }
}

// nullptr: what has arrived is no whole reply, or the connection is broken.
redisReply* Connection::parse() {
  void* reply = nullptr;
  if (redisReaderGetReply(context_->reader, &reply) != REDIS_OK) fail(context_->reader->errstr);
  return static_cast<redisReply*>(reply);
}

// `received`: since the last whole reply.
Step Connection::feed_reader(size_t& received) {
  std::array<char, 4096> buffer;
  Step step = try_to_receive(buffer.data(), buffer.size());
  if (!step.fault.empty()) fail(step.fault);
  redisReaderFeed(context_->reader, buffer.data(), step.bytes);
  received += step.bytes;
  if (received > longest_reply) fail("answer too long");
  return step;
}

}  // namespace cb::redis
