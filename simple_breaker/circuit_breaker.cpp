#include "simple_breaker/circuit_breaker.hpp"

#include <algorithm>
#include <ctime>
#include <utility>

namespace cb {
namespace {

// The word: generation << 3 | attentive << 2 | state. A generation is a time in microseconds and needs 51 bits.
constexpr uint64_t attentive_bit = 4;

constexpr uint64_t closed_and_calm(uint64_t generation) {
  return generation << 3 | static_cast<uint64_t>(State::closed);
}

// A success changes nothing but the window while there are no failures in a row to forget and nobody overrides.
uint64_t word_of(const Snapshot& snapshot) {
  const bool calm = snapshot.counts.failures == 0 && snapshot.mode == Mode::automatic;
  return snapshot.generation << 3 | (calm ? 0 : attentive_bit) | static_cast<uint64_t>(snapshot.state);
}

State state_in(uint64_t word) { return static_cast<State>(word & 3); }
uint64_t generation_in(uint64_t word) { return word >> 3; }

TimePoint count_until(const Snapshot& snapshot, const Policy& policy) {
  if (!policy.keeps_window()) return never;  // nothing to count
  const TimePoint end = end_of_bucket(snapshot.counts.window.newest, policy.sliding_window_size);
  if (policy.clear_interval.count() == 0) return end;
  return std::min(end, snapshot.counts.clear_at);
}

}  // namespace

TimePoint steady_wall_clock() {
  using namespace std::chrono;
  static const microseconds offset =
      duration_cast<microseconds>(system_clock::now().time_since_epoch() - steady_clock::now().time_since_epoch());
  // What steady_clock::now() asks too, and multiplies up to nanoseconds, to be divided again: 2 of 26 ns.
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto within_second = static_cast<uint32_t>(now.tv_nsec) / 1000;
  return TimePoint{seconds(now.tv_sec) + microseconds(within_second) + offset};
}

BreakerConfig::BreakerConfig(Policy settings, Listener told, Clock time)
    : policy(settings), listener(std::move(told)), clock(std::move(time)) {
  require_valid(policy);
}

CircuitBreaker::CircuitBreaker(Policy policy, Listener listener, Clock clock, Identity identity)
    : CircuitBreaker(std::make_shared<BreakerConfig>(policy, std::move(listener), std::move(clock)), std::move(identity)) {}

CircuitBreaker::CircuitBreaker(std::shared_ptr<const BreakerConfig> config, Identity identity)
    : config_(std::move(config)),
      identity_(std::move(identity)),
      times_calls_(policy().slow_call_duration_threshold.count() > 0) {
  if (policy().keeps_window()) successes_.emplace();
  snapshot_ = fresh(now());
  publish();
}

Admission CircuitBreaker::acquire() {
  const uint64_t word = word_.load(std::memory_order_acquire);
  if (state_in(word) == State::closed) {
    return Permit(*this, {generation_in(word), 0}, times_calls_ ? now() : TimePoint{});
  }
  const TimePoint now = this->now();
  const TimePoint from = admits_from_.load(std::memory_order_acquire);
  const bool same_stay = word_.load(std::memory_order_acquire) == word;  // else `from` may be another stay's
  if (!same_stay || now >= from) return acquire_locked();
  const Rejection rejection{state_in(word), retry_after(from, now, policy())};
  report(EventKind::rejection, {rejection.state, generation_in(word)}, "not permitted", now);
  return rejection;
}

Settled CircuitBreaker::settle(const PermitId& id, TimePoint started, Outcome outcome) {
  const bool calm =
      outcome == Outcome::success && word_.load(std::memory_order_acquire) == closed_and_calm(id.generation);
  if (!calm) return settle_locked(id, started, outcome);
  if (!successes_ && !times_calls_) return {};  // a success with nothing to forget: nothing is written
  return count_success(started, now()) ? Settled{} : settle_locked(id, started, outcome);
}

// Whether that was all there was to do. (A thread that is held up here for a whole break, between the look at the word
// and this, is counted in the next stay's window: one good call too many, once in a very long while.)
bool CircuitBreaker::count_success(TimePoint started, TimePoint now) {
  if (now >= count_until_.load(std::memory_order_acquire)) return false;
  if (is_slow({Outcome::success, now - started}, policy())) return false;
  if (successes_) successes_->add_one();
  return true;
}

Admission CircuitBreaker::acquire_locked() {
  std::unique_lock lock(mutex_);
  const TimePoint now = this->now();
  collect();
  Decision decision = admit(snapshot_, policy(), now);
  const uint64_t generation = snapshot_.generation;
  publish();
  lock.unlock();
  report(EventKind::transition, decision.transition);
  if (const auto* permit = std::get_if<PermitId>(&decision.answer)) return Permit(*this, *permit, now);
  const Rejection rejection = std::get<Rejection>(decision.answer);
  report(EventKind::rejection, {rejection.state, generation}, "not permitted", now);
  return rejection;
}

Settled CircuitBreaker::settle_locked(const PermitId& id, TimePoint started, Outcome outcome) {
  std::unique_lock lock(mutex_);
  const TimePoint now = this->now();
  const CallResult result{outcome, times_calls_ ? now - started : std::chrono::microseconds(0)};
  collect();
  const Settlement settlement = cb::settle(snapshot_, policy(), id, result, now);
  const State state = snapshot_.state;
  publish();
  lock.unlock();
  const StateGeneration stay{state, id.generation};
  if (outcome != Outcome::ignored && is_slow(result, policy())) {
    slow_calls_.fetch_add(1, std::memory_order_relaxed);
    notify_slow_call(config_->listener, identity_, stay, result.took, now);
  }
  if (settlement.late) {
    late_results_.fetch_add(1, std::memory_order_relaxed);
    report(EventKind::late_result, stay, to_text(outcome), now);
  }
  if (settlement.would_have_tripped) {
    would_have_tripped_.fetch_add(1, std::memory_order_relaxed);
    report(EventKind::would_have_tripped, stay, *settlement.would_have_tripped, now);
  }
  report(EventKind::transition, settlement.transition);
  return {state, settlement.late};
}

std::string CircuitBreaker::apply_override(const Override& order, std::chrono::milliseconds lasts) {
  std::unique_lock lock(mutex_);
  collect();
  const auto transition = cb::apply_override(snapshot_, order, lasts, now());
  active_override_ = snapshot_.mode == Mode::automatic ? nullptr : std::make_unique<const Override>(order);
  publish();
  lock.unlock();
  report(EventKind::override, transition);
  return "";
}

void CircuitBreaker::report_health(Health health) {
  std::unique_lock lock(mutex_);
  const auto transition = cb::report_health(snapshot_, health, now());
  publish();
  lock.unlock();
  report(EventKind::transition, transition);
}

void CircuitBreaker::resume_from(Snapshot snapshot, const Override& active_override) {
  const std::scoped_lock lock(mutex_);
  collect();
  snapshot.generation = std::max({snapshot.generation, snapshot_.generation + 1, fresh(now()).generation});
  snapshot_ = std::move(snapshot);
  active_override_ = snapshot_.mode == Mode::automatic ? nullptr : std::make_unique<const Override>(active_override);
  publish();
}

State CircuitBreaker::known_state() const { return state_in(word_.load(std::memory_order_acquire)); }

bool CircuitBreaker::is_evictable() const {
  const std::scoped_lock lock(mutex_);
  if (snapshot_.mode != Mode::automatic) return false;
  if (snapshot_.state == State::closed) return true;
  return now() >= std::max(snapshot_.open_until, admits_from(snapshot_, policy())) + snapshot_.break_length;
}

// Takes the successes that were only counted into the snapshot: they all belong to the window's newest bucket.
void CircuitBreaker::collect() {
  if (!successes_) return;
  if (const uint32_t calls = successes_->take(); calls > 0) add(snapshot_.counts.window, {calls, 0, 0});
}

void CircuitBreaker::publish() {
  admits_from_.store(admits_from(snapshot_, policy()), std::memory_order_release);
  count_until_.store(count_until(snapshot_, policy()), std::memory_order_release);
  word_.store(word_of(snapshot_), std::memory_order_release);
}

DetailedStatus CircuitBreaker::detailed_status() {
  std::unique_lock lock(mutex_);
  const TimePoint now = this->now();
  collect();
  const auto transition = tick(snapshot_, now);
  if (snapshot_.mode == Mode::automatic) active_override_.reset();
  publish();
  const TimePoint from = admits_from(snapshot_, policy());
  DetailedStatus status;
  status.state = snapshot_.state;
  status.generation = snapshot_.generation;
  status.failures = snapshot_.counts.failures;
  status.recent = recent(snapshot_.counts, policy(), now);
  if (now < from) status.retry_after = retry_after(from, now, policy());
  if (active_override_) status.active_override = *active_override_;
  if (snapshot_.mode_until != TimePoint{}) status.override_until = snapshot_.mode_until;
  status.late_results = late_results_.load(std::memory_order_relaxed);
  status.slow_calls = slow_calls_.load(std::memory_order_relaxed);
  status.would_have_tripped = would_have_tripped_.load(std::memory_order_relaxed);
  lock.unlock();
  report(EventKind::transition, transition);
  return status;
}

}  // namespace cb
