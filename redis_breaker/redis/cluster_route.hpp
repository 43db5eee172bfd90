// A ClusterRoute is the route to the node that has a breaker's keys. Where that is, is learned from the nodes: the
// first command goes to any of them, and MOVED tells the right one. ASK is followed for one command. A node that breaks
// a connection or cannot be reached is forgotten, and another one is asked; whoever has been told to ask it is told so.
// Thread-safe: every method. At most 5 redirections for a command; at most 1000 nodes are remembered, and the slots'
// places in 32 KiB, however many breakers there are. A node's number may pass to another node only beyond those 1000.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "redis_breaker/redis/connection_pool.hpp"
#include "redis_breaker/redis/redirection.hpp"
#include "redis_breaker/redis/route.hpp"

namespace cb::redis {

class ClusterRoute final : public Route {
 public:
  explicit ClusterRoute(const Address& address);

  Reply command(const std::vector<std::string>& arguments, const std::string& name, const Deadline& deadline) override;
  std::unique_ptr<Connection> connect(size_t node, const Deadline& deadline) override;

 private:
  struct Node {
    explicit Node(Endpoint at) : endpoint(std::move(at)) {}
    const Endpoint endpoint;
    ConnectionPool pool;
  };

  // One command's way to its node.
  struct Trip {
    const Deadline& deadline;
    size_t index;
    std::shared_ptr<Node> node{};
    bool is_told = false;  // by another node, that this is the one: no use in asking others
    bool asking = false;
    std::set<size_t> unreachable{};
  };

  ConnectionPool::Taken reach(Trip& trip);
  std::unique_ptr<Connection> connect_to(const Node& node, const Deadline& deadline) const;
  bool try_another(Trip& trip);
  void follow(const Redirection& redirection, Trip& trip);

  size_t first_for(const std::string& name);
  std::shared_ptr<Node> node(size_t index);
  size_t index_of(const Endpoint& endpoint);
  void forget(size_t index, const Node& node);

  const Address address_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Node>> nodes_;  // guarded by mutex_, as is all below; never empty
  std::vector<uint16_t> node_of_slot_;
  size_t first_ = 0;     // whom to ask where nothing is known
  size_t replaced_ = 0;  // how many nodes have taken another's number
};

}  // namespace cb::redis
