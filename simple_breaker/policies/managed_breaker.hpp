// A ManagedBreaker is a Breaker that an instance can run: operators override it, a health check reports to it, metrics
// and GET /status inspect it, and a registry evicts it.
// Thread-safe: every method.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "simple_breaker/breaker.hpp"
#include "simple_breaker/policies/health.hpp"
#include "simple_breaker/policies/override.hpp"
#include "simple_breaker/policies/sliding_window.hpp"

namespace cb {

// Where the breaker keeps its state. Only a shared store has errors, local calls and an age.
struct StoreStatus {
  std::string name = "memory";
  uint64_t errors = 0;                                // operations on the store that failed
  std::string error;                                  // why this instance uses a local breaker; empty: it does not
  uint64_t local_calls = 0;                           // calls that the local breaker decided on
  std::optional<std::chrono::milliseconds> view_age;  // how old the cached view was before it was refreshed for this
};

// The counters cover this object's lifetime, not the fleet's.
struct DetailedStatus : Status {
  CallCounts recent;  // in the sliding window, where there is one
  Override active_override;
  std::optional<TimePoint> override_until;
  uint64_t late_results = 0;
  uint64_t slow_calls = 0;
  uint64_t would_have_tripped = 0;  // while metrics_only
  uint64_t listener_errors = 0;     // of the listener, which other breakers may share
  bool open_locally = false;        // open for this instance only: the fleet's quorum has not been reached
  StoreStatus store;
};

class ManagedBreaker : public Breaker {
 public:
  Status status() final {
    const DetailedStatus all = detailed_status();
    return {all.state, all.generation, all.failures, all.retry_after};
  }
  virtual DetailedStatus detailed_status() = 0;

  // Puts an override into force for `lasts` (0: until further notice). error_in() has found nothing wrong with it.
  // Returns what went wrong with the store; empty: the override is in force.
  virtual std::string apply_override(const Override& override_, std::chrono::milliseconds lasts) = 0;

  // What the upstream's health route answered. It counts while the circuit is open and no override is active.
  virtual void report_health(Health health) = 0;

  // The rejection, reported as acquire() reports it, if every call is going to be rejected for longer than `wait` as
  // far as this object knows without asking a store. For callers that have to wait for something else before acquire().
  virtual std::optional<Rejection> early_rejection(std::chrono::milliseconds wait) = 0;

  // The state as far as this object knows, without asking a store.
  virtual State known_state() const = 0;
  bool is_open() const { return known_state() == State::open; }

  // True if evicting this breaker, unused for `idle`, loses no protection: it is closed and has no failures and no
  // calls in its window, or none that matter (idle for evidence_matters_for), or it was open and has not been used
  // since for as long as its break lasted. What a store keeps is not lost.
  virtual bool is_evictable(std::chrono::milliseconds idle) const = 0;
  static constexpr std::chrono::minutes evidence_matters_for{10};
};

}  // namespace cb
