// A ClusterRoute finds the cluster node that stores a breaker's keys. It starts with any node; MOVED names the right
// one, which is remembered for the slot, and ASK is followed for one command. A node that breaks a connection or cannot
// be reached is forgotten and another one is asked, unless the cluster itself named it.
// Thread-safe: every method. At most 5 redirections a command; at most 1000 nodes and the 32 KiB slot table are kept,
// however many breakers there are. Only beyond 1000 nodes does a node's number pass to another node.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "redis_breaker/redis/connection_pool.hpp"
#include "redis_breaker/redis/routes/redirection.hpp"
#include "redis_breaker/redis/routes/route.hpp"

namespace cb::redis {

class ClusterRoute final : public Route {
 public:
  explicit ClusterRoute(const Address& address);

  Reply command(const std::vector<std::string>& arguments, const std::string& name, const Deadline& deadline) override;
  std::unique_ptr<Connection> connect(size_t node, const Deadline& deadline) override;
  void drop_idle(size_t node) override;

 private:
  struct Node {
    explicit Node(Endpoint at) : endpoint(std::move(at)) {}
    const Endpoint endpoint;
    ConnectionPool pool;
  };

  // The state of routing one command.
  struct Trip {
    const Deadline& deadline;
    size_t index;
    std::shared_ptr<Node> node{};
    bool is_redirected = false;  // a node named this one: asking others is pointless
    bool asking = false;
    std::set<size_t> unreachable{};
  };

  std::unique_ptr<Connection> reach(Trip& trip);
  std::unique_ptr<Connection> connect_to(Node& node, const Deadline& deadline) const;
  bool try_another(Trip& trip);
  void follow(const Redirection& redirection, Trip& trip);

  size_t first_for(const std::string& name);
  std::shared_ptr<Node> node(size_t index);
  size_t index_of(const Endpoint& endpoint);
  void forget(size_t index, const Node& node);

  const Address address_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Node>> nodes_;  // guarded by mutex_, like everything below; never empty
  std::vector<uint16_t> node_of_slot_;
  size_t first_ = 0;     // the node to ask while the slot is unknown
  size_t replaced_ = 0;  // how many nodes took over another one's number
};

}  // namespace cb::redis
