#include "redis_breaker/redis/routes/sentinels.hpp"

#include <algorithm>
#include <utility>

namespace cb::redis {
namespace {

constexpr int64_t ask_every_ms = 1000;

int64_t steady_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Sentinels::Named Sentinels::ask(const Endpoint& sentinel, const Deadline& deadline) const {
  Address address = address_.at(sentinel);
  address.user.clear();  // these are the master's
  address.password.clear();
  address.database = 0;
  Connection connection(address, deadline);
  if (!connection.error().empty()) return {std::nullopt, connection.error()};
  const Reply reply = connection.command({"SENTINEL", "get-master-addr-by-name", address_.master}, deadline);
  if (!reply.error().empty()) return {std::nullopt, reply.error()};
  if (reply->type == REDIS_REPLY_NIL) return {std::nullopt, "it does not know a master '" + address_.master + "'"};
  const bool is_pair = reply->type == REDIS_REPLY_ARRAY && reply->elements == 2;
  if (!is_pair) return {std::nullopt, "its reply is malformed"};
  const std::string host(text_of(*reply->element[0]));
  Named named{program::reported_endpoint(host, std::string(text_of(*reply->element[1]))), ""};
  if (!named.master) named.fault = "the master that it names is not a host and port";
  return named;
}

// An isolated Sentinel may still name a former master: if that one cannot be used, the other Sentinels are asked as
// well.
std::unique_ptr<Connection> Sentinels::connect_to_master(const Deadline& deadline) {
  const size_t count = address_.hosts.size();
  const size_t first = first_;
  std::string fault_of_sentinel;
  std::string fault_of_master;
  std::optional<Endpoint> tried;
  for (size_t i = 0; i < count; ++i) {
    const size_t index = (first + i) % count;
    const Named named = ask(address_.hosts[index], deadline.share(std::min<size_t>(count - i + 1, 4)));
    if (!named.master) fault_of_sentinel = address_.hosts[index].to_text() + ": " + named.fault;
    if (!named.master || named.master == tried) continue;
    tried = named.master;
    const Deadline share = i + 1 == count ? deadline : deadline.share(2);
    auto connection = std::make_unique<Connection>(address_.at(*tried), share);
    if (connection->error().empty() && connection->server().is_replica) connection->fail("is a replica");
    if (connection->error().empty()) {
      remember(index, *tried);
      return connection;
    }
    fault_of_master = "the master " + tried->to_text() + ": " + connection->error();
  }
  if (!fault_of_master.empty()) return Connection::failed(fault_of_master);
  return Connection::failed("no Sentinel names a master; the last one, " + fault_of_sentinel);
}

bool Sentinels::name_another_master(const Deadline& deadline) {
  if (!is_time_to_ask()) return false;
  const size_t first = first_;
  const Named named = ask(address_.hosts[first], deadline.share(4));
  if (!named.master) first_ = (first + 1) % address_.hosts.size();  // the next request asks another one
  const std::scoped_lock lock(mutex_);
  return named.master && master_ && named.master != master_;
}

void Sentinels::remember(size_t sentinel, const Endpoint& master) {
  first_ = sentinel;
  ask_at_ = steady_ms() + ask_every_ms;
  const std::scoped_lock lock(mutex_);
  master_ = master;
}

bool Sentinels::is_time_to_ask() {
  const int64_t now = steady_ms();
  int64_t at = ask_at_;
  return now >= at && ask_at_.compare_exchange_strong(at, now + ask_every_ms);
}

}  // namespace cb::redis
