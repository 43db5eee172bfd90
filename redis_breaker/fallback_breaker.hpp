// A FallbackBreaker is a shared breaker that works without its store too: while the store is unavailable, each process
// continues on a local breaker (local_breaker.hpp), and no call waits or fails for the store's sake.
// Thread-safe: every method. A transition is reported once in the fleet, by the process whose event caused it, in the
// order of generations. Errors: the constructor throws std::invalid_argument for a bad name or setting.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "redis_breaker/cached_breaker.hpp"
#include "redis_breaker/local_breaker.hpp"
#include "simple_breaker/policies/managed_breaker.hpp"

namespace cb {

class FallbackBreaker final : public ManagedBreaker {
 public:
  FallbackBreaker(redis::Client& client, const std::string& name, const Policy& policy, Listener listener = {});
  FallbackBreaker(std::shared_ptr<const SharedBreakerGroup> group, const Identity& identity);
  // A part of another breaker, which delivers the notices.
  FallbackBreaker(std::shared_ptr<const SharedBreakerGroup> group, const Identity& identity, NoticeQueue notices);
  ~FallbackBreaker() override;

  Admission acquire() override;
  DetailedStatus detailed_status() override;
  std::string apply_override(const Override& order, std::chrono::milliseconds lasts) override;
  void report_health(Health health) override;
  std::optional<Rejection> early_rejection(std::chrono::milliseconds wait) override;
  State known_state() const override;
  bool is_evictable(std::chrono::milliseconds idle) const override;

  // The shared breaker, as the cached view has it.
  uint64_t known_generation() const { return shared_.fast().word().generation(); }
  bool is_overridden() const { return shared_.fast().word().is_overridden(); }
  bool receives_pushes() const { return shared_.fast().is_fresh(); }

 private:
  Settled settle(const PermitId& id, TimePoint started, Outcome outcome) override;
  Settled settle_shared(const PermitId& id, const CallResult& result);
  bool is_available() const { return group_->store->is_available(); }
  bool is_local() const;
  NoticeQueue local_notices() const;
  LocalBreaker& local_breaker();
  void forget_local_failures();
  void deliver() const;

  const std::shared_ptr<const SharedBreakerGroup> group_;
  const NoticeQueue notices_;
  CachedBreaker shared_;
  std::mutex mutex_;
  std::unique_ptr<LocalBreaker> local_;  // created once, under mutex_
  static constexpr uint64_t none = ~uint64_t{0};
  std::atomic<uint64_t> local_version_{none};   // the version of the view that local_ follows; none: no local_
  std::atomic<bool> watches_successes_{false};  // the next success ends what local_ remembers of an outage
  std::atomic<uint64_t> local_calls_{0};
};

}  // namespace cb
