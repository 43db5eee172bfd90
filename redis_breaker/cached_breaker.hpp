// A CachedBreaker is a shared breaker that answers calls from a cached view, which its store keeps fresh by push.
// What it adds to the scripted breaker: a healthy call and a rejection need no question; callers that must ask are sent
// together. What it costs: a success on a healthy circuit reads a few atomics and a coarse clock; with a sliding window
// it also adds to a counter that is sent every 100 ms. A failure, and one probe request a process, are one round trip.
// What can now go wrong: the view lags the store by a push, or by a second if pushes fail. If the store fails, the
// breaker says so, to the one call that waited for it and to all that wait behind it: see fallback_breaker.hpp.
// Thread-safe: every method.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "redis_breaker/sync/core_shell.hpp"

namespace cb {

class CachedBreaker {
 public:
  CachedBreaker(std::shared_ptr<const SharedBreakerGroup> group, const Identity& identity, NoticeQueue notices)
      : shell_(std::move(group), identity, std::move(notices)) {}

  CoreShell& shell() { return shell_; }
  const CoreShell& shell() const { return shell_; }

  std::variant<PermitId, Rejection, StoreTrouble> acquire();
  std::variant<Settled, StoreTrouble> settle(const PermitId& id, const CallResult& result);

  // A success that changes no more than counts, without the lock. Nothing: it has to be settled.
  std::optional<Settled> count_success(const PermitId& id, const CallResult& result);

  // How long a call has taken that began at `started`, as exactly as its result needs it; 0 if the policy does not ask.
  std::chrono::microseconds took(TimePoint started) const;

  // As ManagedBreaker's. Nothing if the store would have to be asked.
  std::optional<Rejection> early_rejection(std::chrono::milliseconds wait);

  // As ManagedBreaker's, as far as the view shows.
  bool is_evictable(std::chrono::milliseconds idle) const;

  // Adds this object's counters to those in `status`.
  void add_counters(DetailedStatus& status) const;

 private:
  const Policy& policy() const { return shell_.group().policy; }

  CoreShell shell_;
};

}  // namespace cb
