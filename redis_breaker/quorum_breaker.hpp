// A QuorumBreaker is one instance's part of a shared breaker that opens only if several instances see failures. A local
// breaker counts this instance's own calls, and opens for this instance only.
// Thread-safe: every method. A call needs a permit from both, the shared one first, and both get its outcome. Each
// transition of the shared breaker resets the local one; while an override is active, the local one is not asked.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "redis_breaker/fallback_breaker.hpp"
#include "simple_breaker/circuit_breaker.hpp"

namespace cb {

class QuorumBreaker final : public ManagedBreaker {
 public:
  QuorumBreaker(const std::shared_ptr<const SharedBreakerGroup>& group, const Identity& identity);
  ~QuorumBreaker() override { notices_.close(); }

  Admission acquire() override;
  BreakerDescription describe() const override;
  DetailedStatus detailed_status() override;
  std::string apply_override(const Override& order, std::chrono::milliseconds lasts) override;
  void report_health(Health health) override;
  std::optional<Rejection> early_rejection(std::chrono::milliseconds wait) override;
  State known_state() const override;
  bool is_evictable(std::chrono::milliseconds idle) const override {
    return local_.is_evictable(idle) && shared_.is_evictable(idle);
  }

 private:
  Settled settle(const PermitId& id, TimePoint ticket, Outcome outcome) override;
  Admission add_local_permit(Permit shared);
  void reset_if_changed();

  const std::shared_ptr<const SharedBreakerGroup> group_;
  const NoticeQueue notices_;  // both report here; this breaker delivers, once both have decided
  FallbackBreaker shared_;
  CircuitBreaker local_;
  std::atomic<uint64_t> latest_generation_{0};  // the newest known generation of the shared breaker
  std::mutex mutex_;
  TimePoint last_ticket_{};                                   // guarded by mutex_
  std::map<TimePoint, std::pair<Permit, Permit>> in_flight_;  // guarded by mutex_; shared and local, by ticket
};

}  // namespace cb
