// A Subscription is a connection on which Redis announces which keys were written (client-side caching's invalidations,
// broadcast for key prefixes), and on which the script publishes its news. One connection tracks and subscribes, so
// that neither can be cut off without the other.
// Belongs to one thread. Errors: a broken subscription stays broken, see error().
// Source: Redis's documentation of server-assisted client-side caching; RESP2, as hiredis 0.14 speaks nothing else.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "redis_breaker/redis/client.hpp"

namespace cb {

struct Announcements {
  std::vector<std::string> keys;  // that were written
  std::vector<std::string> news;  // of transitions, as the script publishes them
  bool all_keys = false;          // Redis was flushed
  bool pong = false;              // every key written before the last ping has been announced
};

class Subscription {
 public:
  // What to listen to: keys that start with one of the prefixes, and channels for news.
  struct Topics {
    std::vector<std::string> prefixes{};
    std::vector<std::string> channels{};
    bool operator==(const Topics&) const = default;
  };

  // Connects to the node and subscribes.
  Subscription(redis::Client& client, size_t node, const Topics& topics);

  const std::string& error() const { return error_.empty() ? connection_->error() : error_; }
  bool is_refused() const { return !error_.empty(); }                // the server is up, but forbids subscribing
  const std::string& refused_news() const { return refused_news_; }  // why it announces only keys; empty: it does not
  const redis::ServerInfo& server() const { return connection_->server(); }
  int fd() const { return connection_->fd(); }

  void ping(const redis::Deadline& deadline);
  Announcements receive();  // what has arrived: does not wait

 private:
  void subscribe(const Topics& topics, const redis::Deadline& deadline);
  bool execute(const std::vector<std::string>& command, const redis::Deadline& deadline);

  std::unique_ptr<redis::Connection> connection_;
  std::string error_;
  std::string refused_news_;
};

}  // namespace cb
