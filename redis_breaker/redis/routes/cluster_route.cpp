#include "redis_breaker/redis/routes/cluster_route.hpp"

#include <algorithm>
#include <utility>

namespace cb::redis {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int most_redirections = 5;
constexpr size_t most_nodes = 1000;
constexpr size_t most_tries = 16;
constexpr uint16_t unknown = 0xffff;

Reply send(Connection& connection, const std::vector<std::string>& arguments, bool asking, const Deadline& deadline) {
  if (!asking) return connection.command(arguments, deadline);
  const bool sent = connection.send({"ASKING"}, deadline) && connection.send(arguments, deadline);
  if (sent) connection.receive(deadline);  // +OK
  return connection.error().empty() ? connection.receive(deadline) : Reply::failed(connection.error());
}

}  // namespace

ClusterRoute::ClusterRoute(const Address& address) : address_(address), node_of_slot_(slot_count, unknown) {
  for (const Endpoint& seed : address_.hosts) index_of(seed);
}

Reply ClusterRoute::command(const std::vector<std::string>& arguments, const std::string& name,
                            const Deadline& deadline) {
  Trip trip{deadline, first_for(name)};
  for (int redirections = 0; redirections <= most_redirections; ++redirections) {
    auto connection = reach(trip);
    if (!connection->error().empty()) return Reply::failed(connection->error());
    Reply reply = send(*connection, arguments, trip.asking, deadline);
    if (!connection->error().empty()) {
      forget(trip.index, *trip.node);
      return Reply::failed("node " + trip.node->endpoint.to_text() + ": " + connection->error());
    }
    reply.came_from({trip.index, connection->server().run}, connection->verified_at());
    trip.node->pool.keep(std::move(connection), Clock::now());
    const auto redirection = redirection_in(reply.error(), trip.node->endpoint);
    if (!redirection) return reply;
    follow(*redirection, trip);
  }
  return Reply::failed("redirected more than " + std::to_string(most_redirections) +
                       " times: the nodes disagree about whose '" + name + "' is");
}

// A connection to the trip's node; to another one if that node was only a guess and cannot be reached.
std::unique_ptr<Connection> ClusterRoute::reach(Trip& trip) {
  while (true) {
    trip.node = node(trip.index);
    auto connection = trip.node->pool.take(Clock::now());
    if (connection) return connection;
    connection = connect_to(*trip.node, trip.is_redirected ? trip.deadline : trip.deadline.share(4));
    if (connection->error().empty()) return connection;
    forget(trip.index, *trip.node);
    if (trip.is_redirected || !try_another(trip)) return connection;
  }
}

std::unique_ptr<Connection> ClusterRoute::connect_to(Node& node, const Deadline& deadline) const {
  auto connection = std::make_unique<Connection>(address_.at(node.endpoint), deadline);
  const bool is_node = connection->server().mode == ServerInfo::Mode::cluster;
  if (connection->error().empty() && !is_node) connection->fail("is not a cluster node; use redis://");
  if (!connection->error().empty()) {
    connection->fail("node " + node.endpoint.to_text() + ": " + connection->error());
  } else {
    node.pool.confirm(*connection);
  }
  return connection;
}

bool ClusterRoute::try_another(Trip& trip) {
  trip.unreachable.insert(trip.index);
  const std::scoped_lock lock(mutex_);
  if (trip.unreachable.size() >= std::min(nodes_.size(), most_tries)) return false;
  while (trip.unreachable.contains(trip.index)) trip.index = (trip.index + 1) % nodes_.size();
  return true;
}

void ClusterRoute::follow(const Redirection& redirection, Trip& trip) {
  trip.asking = redirection.kind == Redirection::Kind::ask;
  trip.is_redirected = true;
  trip.index = index_of(redirection.to);
  if (trip.asking) return;
  const std::scoped_lock lock(mutex_);
  node_of_slot_[redirection.slot] = static_cast<uint16_t>(trip.index);
}

std::unique_ptr<Connection> ClusterRoute::connect(size_t index, const Deadline& deadline) {
  const auto known = node(index);
  if (!known) return Connection::failed("no node has the number " + std::to_string(index));
  auto connection = connect_to(*known, deadline);
  if (!connection->error().empty()) forget(index, *known);
  return connection;
}

void ClusterRoute::drop_idle(size_t index) {
  if (const auto known = node(index)) known->pool.clear(Clock::now());
}

size_t ClusterRoute::first_for(const std::string& name) {
  const uint16_t slot = slot_of(name);
  const std::scoped_lock lock(mutex_);
  return name.empty() || node_of_slot_[slot] == unknown ? first_ : node_of_slot_[slot];
}

std::shared_ptr<ClusterRoute::Node> ClusterRoute::node(size_t index) {
  const std::scoped_lock lock(mutex_);
  return index < nodes_.size() ? nodes_[index] : nullptr;
}

// The node's number. Beyond the limit, a new node takes over the number of another one.
size_t ClusterRoute::index_of(const Endpoint& endpoint) {
  const std::scoped_lock lock(mutex_);
  const auto known =
      std::find_if(nodes_.begin(), nodes_.end(), [&endpoint](const auto& node) { return node->endpoint == endpoint; });
  if (known != nodes_.end()) return static_cast<size_t>(known - nodes_.begin());
  if (nodes_.size() < most_nodes) {
    nodes_.push_back(std::make_shared<Node>(endpoint));
    return nodes_.size() - 1;
  }
  const size_t seeds = address_.hosts.size();
  const size_t index = seeds + replaced_++ % (most_nodes - seeds);
  nodes_[index] = std::make_shared<Node>(endpoint);
  return index;
}

void ClusterRoute::forget(size_t index, const Node& node) {
  const std::scoped_lock lock(mutex_);
  if (nodes_[index].get() != &node) return;
  nodes_[index]->pool.clear(Clock::now());
  std::replace(node_of_slot_.begin(), node_of_slot_.end(), static_cast<uint16_t>(index), unknown);
  if (first_ == index) first_ = (index + 1) % nodes_.size();
}

}  // namespace cb::redis
