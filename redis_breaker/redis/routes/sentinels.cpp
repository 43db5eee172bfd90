#include "redis_breaker/redis/routes/sentinels.hpp"

#include <algorithm>
#include <utility>

namespace cb::redis {

Sentinels::Named Sentinels::ask(const Endpoint& sentinel, const Deadline& deadline) const {
  Address address = address_.at(sentinel);
  address.user.clear();  // these are the master's
  address.password.clear();
  address.database = 0;
  Connection connection(address, deadline);
  if (!connection.error().empty()) return {std::nullopt, connection.error(), false};
  const Reply reply = connection.command({"SENTINEL", "get-master-addr-by-name", address_.master}, deadline);
  if (!reply.error().empty()) return {std::nullopt, reply.error(), reply.is_answer()};
  if (reply->type == REDIS_REPLY_NIL) return {std::nullopt, "it does not know a master '" + address_.master + "'"};
  const bool is_pair = reply->type == REDIS_REPLY_ARRAY && reply->elements == 2;
  if (!is_pair) return {std::nullopt, "its reply is malformed"};
  const std::string host(text_of(*reply->element[0]));
  Named named{net::reported_endpoint(host, std::string(text_of(*reply->element[1]))), ""};
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
  bool any_answer = false;
  for (size_t i = 0; i < count; ++i) {
    const size_t index = (first + i) % count;
    const Named named = ask(address_.hosts[index], deadline.share(std::min<size_t>(count - i + 1, 4)));
    any_answer = any_answer || named.is_answer;
    if (!named.master) fault_of_sentinel = address_.hosts[index].to_text() + ": " + named.fault;
    if (!named.master || named.master == tried) continue;
    tried = named.master;
    const Deadline share = i + 1 == count ? deadline : deadline.share(2);
    auto connection = connect_to(*tried, share);
    if (connection->error().empty()) {
      remember(index, *tried);
      return connection;
    }
    fault_of_master = "the master " + tried->to_text() + ": " + connection->error();
  }
  if (!fault_of_master.empty()) return Connection::failed(fault_of_master);
  if (const auto last = last_named(); last && !any_answer) return connect_to(*last, deadline);
  return Connection::failed("no Sentinel names a master; the last one, " + fault_of_sentinel);
}

std::unique_ptr<Connection> Sentinels::connect_to(const Endpoint& master, const Deadline& deadline) const {
  auto connection = std::make_unique<Connection>(address_.at(master), deadline);
  if (connection->error().empty() && connection->server().is_replica) connection->fail("is a replica");
  return connection;
}

void Sentinels::remember(size_t sentinel, const Endpoint& master) {
  first_ = sentinel;
  const std::scoped_lock lock(mutex_);
  master_ = master;
}

std::optional<Endpoint> Sentinels::last_named() const {
  const std::scoped_lock lock(mutex_);
  return master_;
}

}  // namespace cb::redis
