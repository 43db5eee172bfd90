// A FallbackBreaker is a shared breaker that works without its store: then each process continues on a local breaker.
// It adds that no call waits for the store, except the one that finds out. It costs a comparison for each call. What
// can now go wrong: while the store is away, instances disagree, as in stage 2. Thread-safe: every method. A transition
// is reported once in the fleet, by the process whose event caused it. The constructor throws for an invalid name.
#pragma once

#include <memory>

#include "redis_breaker/cached_breaker.hpp"
#include "redis_breaker/local_breaker.hpp"
#include "simple_breaker/policies/managed_breaker.hpp"

namespace cb {

class FallbackBreaker final : public ManagedBreaker {
 public:
  // With `notices`: a part of another breaker, which delivers them.
  FallbackBreaker(std::shared_ptr<const SharedBreakerGroup> group, const Identity& identity, NoticeQueue notices);
  FallbackBreaker(const std::shared_ptr<const SharedBreakerGroup>& group, const Identity& identity)
      : FallbackBreaker(group, identity, NoticeQueue(group->listener, identity)) {}
  ~FallbackBreaker() override { notices_.close(); }

  Admission acquire() override;
  BreakerDescription describe() const override;
  DetailedStatus detailed_status() override;
  std::string apply_override(const Override& order, std::chrono::milliseconds lasts) override;
  void report_health(Health health) override;
  std::optional<Rejection> early_rejection(std::chrono::milliseconds wait) override;
  State known_state() const override { return is_local() ? local_.known_state() : view().word().state(); }
  bool is_evictable(std::chrono::milliseconds idle) const override;
  const PublishedView& view() const { return shared_.shell().fast(); }  // of the shared breaker

 private:
  Settled settle(const PermitId& id, TimePoint started, Outcome outcome) override;
  Admission acquire_elsewhere();
  Settled settle_elsewhere(const PermitId& id, TimePoint started, Outcome outcome);
  StoreName store_name() const { return group_->store->name(); }
  bool is_available() const { return group_->gate->is_available(); }
  bool is_local() const { return !is_available() && local_.follows(view().version()); }
  LocalBreaker& local();

  const std::shared_ptr<const SharedBreakerGroup> group_;
  const NoticeQueue notices_;
  CachedBreaker shared_;
  LocalBreaker local_;
};

}  // namespace cb
