#include "simple_breaker/circuit_breaker.hpp"

#include <utility>

namespace cb {
namespace {

// The word: generation << 3 | failing << 2 | state. A generation is a time in microseconds and needs 51 bits.
constexpr uint64_t failing_bit = 4;

constexpr uint64_t closed_and_clean(uint64_t generation) {
  return generation << 3 | static_cast<uint64_t>(State::closed);
}

uint64_t word_of(const Snapshot& snapshot) {
  const uint64_t failing = snapshot.failures > 0 ? failing_bit : 0;
  return snapshot.generation << 3 | failing | static_cast<uint64_t>(snapshot.state);
}

State state_in(uint64_t word) { return static_cast<State>(word & 3); }
uint64_t generation_in(uint64_t word) { return word >> 3; }

}  // namespace

TimePoint steady_wall_clock() {
  using namespace std::chrono;
  static const auto offset = system_clock::now().time_since_epoch() - steady_clock::now().time_since_epoch();
  return TimePoint{duration_cast<microseconds>(steady_clock::now().time_since_epoch() + offset)};
}

CircuitBreaker::CircuitBreaker(Policy policy, Listeners listeners, Clock clock)
    : policy_(policy), listeners_(std::move(listeners)), clock_(std::move(clock)) {
  require_valid(policy_);
  snapshot_ = fresh(now());
  publish();
}

Admission CircuitBreaker::acquire() {
  const uint64_t word = word_.load(std::memory_order_acquire);
  if (state_in(word) == State::closed) return Permit(*this, {generation_in(word), 0});
  const TimePoint now = this->now();
  const TimePoint from = admits_from_.load(std::memory_order_acquire);
  const bool same_stay = word_.load(std::memory_order_acquire) == word;  // else `from` may be another stay's
  if (same_stay && now < from) return Rejection{state_in(word), retry_after(from, now)};
  return acquire_locked();
}

Settled CircuitBreaker::settle(const PermitId& id, Outcome outcome) {
  // A success with no failures to forget changes nothing, so nothing is written. (A probe is never of a closed stay.)
  const bool nothing_to_do =
      outcome == Outcome::success && word_.load(std::memory_order_acquire) == closed_and_clean(id.generation);
  return nothing_to_do ? Settled{} : settle_locked(id, outcome);
}

Admission CircuitBreaker::acquire_locked() {
  std::unique_lock lock(mutex_);
  Decision decision = admit(snapshot_, policy_, now());
  publish();
  lock.unlock();
  report(decision.transition);
  if (const auto* rejection = std::get_if<Rejection>(&decision.answer)) return *rejection;
  return Permit(*this, std::get<PermitId>(decision.answer));
}

Settled CircuitBreaker::settle_locked(const PermitId& id, Outcome outcome) {
  std::unique_lock lock(mutex_);
  const Settlement settlement = cb::settle(snapshot_, policy_, id, outcome, now());
  const State state = snapshot_.state;
  publish();
  lock.unlock();
  if (settlement.late) late_results_.fetch_add(1, std::memory_order_relaxed);
  report(settlement.transition);
  return {state, settlement.late};
}

void CircuitBreaker::publish() {
  admits_from_.store(admits_from(snapshot_, policy_), std::memory_order_release);
  word_.store(word_of(snapshot_), std::memory_order_release);
}

void CircuitBreaker::report(const std::optional<Transition>& transition) const {
  if (transition && listeners_.transition) listeners_.transition(*transition);
}

Status CircuitBreaker::status() {
  const std::scoped_lock lock(mutex_);
  const TimePoint now = this->now();
  const TimePoint from = admits_from(snapshot_, policy_);
  Status status;
  status.state = snapshot_.state;
  status.generation = snapshot_.generation;
  status.failures = snapshot_.failures;
  if (now < from) status.retry_after = retry_after(from, now);
  status.late_results = late_results_.load(std::memory_order_relaxed);
  return status;
}

}  // namespace cb
