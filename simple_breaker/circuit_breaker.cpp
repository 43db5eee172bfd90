#include "simple_breaker/circuit_breaker.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace cb {
namespace {

bool times_calls(const Policy& policy) { return policy.slow_call_duration_threshold.count() > 0; }

}  // namespace

BreakerConfig::BreakerConfig(Policy settings, Listener on_notice, Clock time, CoarseClock coarse_time, TripRule rule)
    : policy(settings),
      listener(shared(std::move(on_notice))),
      clock(std::move(time)),
      coarse_clock(std::move(coarse_time)),
      trip_rule(std::move(rule)) {
  require_valid(policy);
}

CircuitBreaker::CircuitBreaker(Policy policy, Listener listener, Clock clock, const Identity& identity)
    : CircuitBreaker(std::make_shared<BreakerConfig>(policy, std::move(listener), std::move(clock)), identity) {}

CircuitBreaker::CircuitBreaker(const std::shared_ptr<const BreakerConfig>& config, const Identity& identity)
    : CircuitBreaker(config, NoticeQueue(config->listener, identity)) {
  name_ = identity.full();
}

CircuitBreaker::CircuitBreaker(std::shared_ptr<const BreakerConfig> config, NoticeQueue notices)
    : config_(std::move(config)),
      notices_(std::move(notices)),
      policy_(&config_->policy),
      times_calls_(times_calls(policy())),
      published_(policy()),
      snapshot_(closed_snapshot(now())) {
  publish(now());
}

CircuitBreaker::~CircuitBreaker() { notices_.close(); }

Admission CircuitBreaker::acquire() {
  const PublishedState::Word word = published_.word();
  if (word.state() == State::closed)
    return Permit(*this, {word.generation(), 0}, times_calls_.load(std::memory_order_relaxed) ? now() : TimePoint{});
  if (notices_.has_listener()) return acquire_locked();  // a listener needs the order of what happened: the lock's
  const TimePoint now = this->now();
  const TimePoint until = published_.rejects_until(word, now);
  if (now >= until) return acquire_locked();
  return Rejection{word.state(), retry_after(word.state(), until, now, policy())};
}

std::optional<Rejection> CircuitBreaker::early_rejection(std::chrono::milliseconds wait) {
  const PublishedState::Word word = published_.word();
  const bool may_end_sooner = word.state() == State::half_open && wait.count() > 0;  // with the probes in flight
  if (word.state() == State::closed || may_end_sooner) return std::nullopt;
  const TimePoint now = this->now();
  const TimePoint until = published_.rejects_until(word, now);
  if (now + wait >= until) return std::nullopt;
  const Rejection rejection{word.state(), retry_after(word.state(), until, now, policy())};
  if (!notices_.has_listener()) return rejection;
  const NoticeQueue::Delivery delivery(notices_);
  const std::scoped_lock lock(mutex_);
  if (snapshot_.generation != word.generation()) return std::nullopt;  // its notice would be out of order
  notices_.add(NoticeKind::rejection, {rejection.state, word.generation()}, "not permitted", now);
  return rejection;
}

Settled CircuitBreaker::settle(const PermitId& id, TimePoint started, Outcome outcome) {
  const bool expected = outcome == Outcome::success && published_.expects_success(id.generation);
  if (!expected) return settle_locked(id, started, outcome);
  const bool times_calls = times_calls_.load(std::memory_order_relaxed);
  if (!published_.counts_successes() && !times_calls) return {};  // changes nothing: nothing is written
  const ClockReading now = coarse_now();
  if (count_quick_success(id, started, now)) return {};
  const bool decided = now.is_exact();
  if (!decided && count_quick_success(id, started, ClockReading(this->now()))) return {};
  return settle_locked(id, started, outcome);
}

// True only if the call was quick and is counted, whatever time it is within that reading.
bool CircuitBreaker::count_quick_success(const PermitId& id, TimePoint started, ClockReading now) {
  const CallResult longest{Outcome::success, now.latest - started};
  return !is_slow(longest, policy()) && published_.count_success(id.generation, now);
}

ClockReading CircuitBreaker::coarse_now() const {
  if (!config_->clock) return coarse_reading();
  return config_->coarse_clock ? config_->coarse_clock() : ClockReading(config_->clock());
}

Admission CircuitBreaker::acquire_locked() {
  std::unique_lock lock(mutex_);
  const TimePoint now = this->now();
  published_.collect_into(snapshot_);
  const Reply reply = apply(snapshot_, policy(), Acquire{}, now);
  publish(now);
  report(NoticeKind::transition, reply.transitions);
  const bool rejected = reply.kind == Reply::Kind::rejected;
  if (rejected) notices_.add(NoticeKind::rejection, {reply.state, snapshot_.generation}, "not permitted", now);
  lock.unlock();
  // A listener's time is not the probe's, whose lease runs: the probe delivers when it ends.
  if (reply.permit.probe != 0) return Permit(*this, reply.permit, now);
  notices_.deliver();
  if (rejected) return Rejection{reply.state, reply.retry_after};
  return Permit(*this, reply.permit, this->now());
}

// A closed circuit's counts are kept while it is open.
void CircuitBreaker::report(NoticeKind kind, const Transitions& transitions) {
  for (const Transition& each : transitions) {
    const bool opens = each.from == State::closed && each.to == State::open;
    const FailureCounts& counts = snapshot_.counts;
    notices_.add(kind, each, opens ? CountedCalls{counts.failures, recent(counts, policy(), each.at)} : CountedCalls{});
    cause_ = std::make_unique<const std::string>(each.cause);
  }
}

BreakerDescription CircuitBreaker::describe() const {
  const std::scoped_lock lock(mutex_);
  return {name_, cause_ ? *cause_ : ""};
}

Settled CircuitBreaker::settle_locked(const PermitId& id, TimePoint started, Outcome outcome) {
  const NoticeQueue::Delivery delivery(notices_);
  const std::scoped_lock lock(mutex_);
  const TimePoint now = this->now();
  const bool is_timed = times_calls_ && started != TimePoint{};  // it began before reconfigure()
  const CallResult result{outcome, is_timed ? now - started : std::chrono::microseconds(0)};
  published_.collect_into(snapshot_);
  const Reply reply = apply(snapshot_, policy(), Settle{id, result}, now, config_->trip_rule);
  publish(now);
  count_and_report_locked(reply, result, {reply.state, snapshot_.generation, id.generation}, now);
  return {reply.state, reply.kind == Reply::Kind::late};
}

void CircuitBreaker::count_and_report_locked(const Reply& reply, const CallResult& result, StateGeneration where,
                                             TimePoint now) {
  if (result.outcome != Outcome::ignored && is_slow(result, policy())) {
    slow_calls_.fetch_add(1, std::memory_order_relaxed);
    notices_.add_slow_call(where, result.took, now);
  }
  if (reply.kind == Reply::Kind::late) {
    late_results_.fetch_add(1, std::memory_order_relaxed);
    notices_.add(NoticeKind::late_result, where, to_text(result.outcome), now);
  }
  if (reply.would_have_tripped) {
    would_have_tripped_.fetch_add(1, std::memory_order_relaxed);
    notices_.add(NoticeKind::would_have_tripped, where, *reply.would_have_tripped, now);
  }
  report(NoticeKind::transition, reply.transitions);
}

std::string CircuitBreaker::apply_override(const Override& override_, std::chrono::milliseconds lasts) {
  const NoticeQueue::Delivery delivery(notices_);
  const std::scoped_lock lock(mutex_);
  const TimePoint now = this->now();
  published_.collect_into(snapshot_);
  const Reply by_time = apply(snapshot_, policy(), Tick{}, now);
  const Reply by_order = apply(snapshot_, policy(), ApplyOverride{override_, lasts}, now);
  active_override_ = snapshot_.mode == Mode::automatic ? nullptr : std::make_unique<const Override>(override_);
  publish(now);
  report(NoticeKind::transition, by_time.transitions);
  report(NoticeKind::override, by_order.transitions);
  return "";
}

void CircuitBreaker::report_health(Health health) {
  const NoticeQueue::Delivery delivery(notices_);
  const std::scoped_lock lock(mutex_);
  const TimePoint now = this->now();
  published_.collect_into(snapshot_);
  const Reply reply = apply(snapshot_, policy(), HealthReport{health}, now);
  publish(now);
  report(NoticeKind::transition, reply.transitions);
}

uint64_t CircuitBreaker::resume_from(Snapshot snapshot, const Override& active_override) {
  const std::scoped_lock lock(mutex_);
  published_.collect_into(snapshot_);
  snapshot.generation = std::max({snapshot.generation, snapshot_.generation + 1, closed_snapshot(now()).generation});
  if (snapshot.state == State::open && snapshot.mode == Mode::automatic) {
    const TimePoint::duration left = snapshot.open_until - now();
    snapshot.break_length = std::max({snapshot.break_length, left, TimePoint::duration(policy().recovery_timeout)});
  }
  snapshot_ = std::move(snapshot);
  active_override_ = snapshot_.mode == Mode::automatic ? nullptr : std::make_unique<const Override>(active_override);
  publish(now());
  return snapshot_.generation;
}

void CircuitBreaker::reconfigure(const Policy& policy) {
  require_valid(policy);
  const std::scoped_lock lock(mutex_);
  const Policy& before = this->policy();
  const bool same_window =
      before.keeps_window() && policy.keeps_window() && before.sliding_window_size == policy.sliding_window_size;
  published_.collect_into(snapshot_);
  if (!same_window) snapshot_.counts.window = {};
  policy_ = &policies_.emplace_front(policy);
  times_calls_ = times_calls(policy);
  publish(now());
}

void CircuitBreaker::count_elsewhere(int failures) {
  const std::scoped_lock lock(mutex_);
  if (failures == 0 || snapshot_.state != State::closed) return;
  published_.collect_into(snapshot_);
  snapshot_.counts.failures += failures;
  publish(now());
}

State CircuitBreaker::known_state() const { return published_.word().state(); }

bool CircuitBreaker::is_evictable(std::chrono::milliseconds idle) const {
  const std::scoped_lock lock(mutex_);
  const TimePoint now = this->now();
  const bool is_overridden = snapshot_.mode != Mode::automatic;
  const bool has_ended = is_overridden && snapshot_.mode_until != TimePoint{} && now >= snapshot_.mode_until;
  if (is_overridden && !has_ended) return false;
  if (snapshot_.state == State::closed) return has_ended || idle >= evidence_matters_for || !holds_evidence(now);
  return now >= std::max(snapshot_.open_until, admits_from(snapshot_, policy())) + snapshot_.break_length;
}

// Successes that have not been collected belong to the window's newest bucket.
bool CircuitBreaker::holds_evidence(TimePoint now) const {
  FailureCounts counts = snapshot_.counts;
  if (published_.has_uncollected()) add(counts.window, {1, 0, 0});
  return counts.failures > 0 || recent(counts, policy(), now).calls > 0;
}

DetailedStatus CircuitBreaker::detailed_status() {
  const NoticeQueue::Delivery delivery(notices_);
  const std::scoped_lock lock(mutex_);
  const TimePoint now = this->now();
  published_.collect_into(snapshot_);
  const Reply reply = apply(snapshot_, policy(), Tick{}, now);
  if (snapshot_.mode == Mode::automatic) active_override_.reset();
  publish(now);
  report(NoticeKind::transition, reply.transitions);
  return status_locked(now);
}

DetailedStatus CircuitBreaker::status_locked(TimePoint now) const {
  const TimePoint from = admits_from(snapshot_, policy());
  DetailedStatus status;
  status.state = snapshot_.state;
  status.generation = snapshot_.generation;
  status.failures = snapshot_.counts.failures;
  status.recent = recent(snapshot_.counts, policy(), now);
  if (now < from) status.retry_after = retry_after(status.state, from, now, policy());
  if (active_override_) status.active_override = *active_override_;
  if (snapshot_.mode_until != TimePoint{}) status.override_until = snapshot_.mode_until;
  status.late_results = late_results_.load(std::memory_order_relaxed);
  status.slow_calls = slow_calls_.load(std::memory_order_relaxed);
  status.would_have_tripped = would_have_tripped_.load(std::memory_order_relaxed);
  status.listener_errors = notices_.listener_errors();
  return status;
}

}  // namespace cb
