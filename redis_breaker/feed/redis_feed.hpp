// A RedisFeed announces what is changed in one Redis node, from a Subscription. Each check proves that the subscription
// leads to the server that answers requests, and misses nothing: see check(). Belongs to one thread.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "redis_breaker/feed/subscription.hpp"
#include "redis_breaker/state_store.hpp"

namespace cb {

class RedisFeed final : public ChangeFeed {
 public:
  // `eviction_checked`: the feeds of one instance warn of evictions once.
  RedisFeed(redis::Client& client, size_t node, const std::vector<std::string>& services,
            std::once_flag& eviction_checked);

  std::string error() const override { return error_.empty() ? subscription_.error() : error_; }
  bool is_refused() const override { return subscription_.is_refused(); }
  std::vector<std::string> warnings() override;
  uint64_t run() const override { return subscription_.server().run; }
  int fd() const override { return subscription_.fd(); }
  SteadyTime due() const override { return pong_due_.value_or(SteadyTime::max()); }
  Changes take() override;

  // What others write may go elsewhere by now: to another server (a failover, a moved address), or into another
  // database (SWAPDB), while the connection that listens stays up. So a new connection must lead to the server that is
  // listened to; the caller compares what it finds there with what the instance knows. Then a ping proves that every
  // push up to now has arrived.
  Check check(const std::string& breaker) override;

 private:
  void confirm(Changes& changes);
  void ping();

  redis::Client& client_;
  const size_t node_;
  const std::string service_;  // any
  std::once_flag& eviction_checked_;
  Subscription subscription_;
  std::string error_;
  SteadyTime checked_at_{};
  SteadyTime pinged_at_{};
  std::optional<SteadyTime> pong_due_{};  // nothing: no ping is under way
};

}  // namespace cb
