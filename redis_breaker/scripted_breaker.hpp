// A ScriptedBreaker asks its store for each event: one script in Redis decides, so no instance sees half a transition.
// What it adds to the naive breaker: every event is atomic, by one clock; results of older generations are dropped; a
// prober that dies costs its lease. What it costs: two round trips a call, a healthy one too.
// What can go wrong: the store. If it does not answer, calls wait for it and are then admitted, unprotected; what they
// find out is lost, and so is what the store forgets. See cached_breaker.hpp and fallback_breaker.hpp.
// Thread-safe: every method.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "redis_breaker/shared_breaker_group.hpp"
#include "redis_breaker/state_store.hpp"
#include "simple_breaker/notices/notice_queue.hpp"
#include "simple_breaker/policies/managed_breaker.hpp"

namespace cb {

class ScriptedBreaker final : public ManagedBreaker {
 public:
  ScriptedBreaker(std::shared_ptr<const SharedBreakerGroup> group, const Identity& identity);
  ~ScriptedBreaker() override { notices_.close(); }

  Admission acquire() override;
  BreakerDescription describe() const override { return {name_, {}}; }
  DetailedStatus detailed_status() override;
  std::string apply_override(const Override& order, std::chrono::milliseconds lasts) override;
  void report_health(Health health) override { apply(HealthReport{health}); }
  std::optional<Rejection> early_rejection(std::chrono::milliseconds) override { return std::nullopt; }
  State known_state() const override { return state_; }
  bool is_evictable(std::chrono::milliseconds) const override { return true; }  // the store keeps everything

 private:
  Settled settle(const PermitId& id, TimePoint started, Outcome outcome) override;
  StoreResult apply(const Event& event, NoticeKind kind = NoticeKind::transition);

  const std::shared_ptr<const SharedBreakerGroup> group_;
  const std::string name_;
  const NoticeQueue notices_;
  std::atomic<State> state_{State::closed};  // in the last answer
  std::atomic<uint64_t> late_results_{0}, errors_{0};
};

}  // namespace cb
