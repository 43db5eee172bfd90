#include "simple_breaker/state_machine.hpp"

#include <algorithm>
#include <utility>

#include "simple_breaker/policies/break_length.hpp"

namespace cb {
namespace {

// A generation is the time at which it began. A clock set before 1970 yields 1.
uint64_t generation_from(TimePoint now) {
  return static_cast<uint64_t>(std::max<int64_t>(1, now.time_since_epoch().count()));
}

// The only place where the state changes, so every generation begins alike, whatever caused it.
Transition enter(Snapshot& snapshot, State to, std::string cause, TimePoint now) {
  const State from = snapshot.state;
  snapshot.state = to;
  snapshot.generation = std::max(snapshot.generation + 1, generation_from(now));
  snapshot.successes = 0;
  snapshot.probes_granted = 0;
  snapshot.probes.clear();
  return {from, to, snapshot.generation, std::move(cause), now};
}

Transition open(Snapshot& snapshot, std::string cause, const Policy& policy, TimePoint now) {
  Transition transition = enter(snapshot, State::open, std::move(cause), now);
  snapshot.break_length = next_break(policy, snapshot.break_length);
  snapshot.open_until = now + jittered(snapshot.break_length, policy, snapshot.generation);
  return transition;
}

Transition close(Snapshot& snapshot, std::string cause, TimePoint now) {
  snapshot.counts = {};
  snapshot.break_length = {};
  return enter(snapshot, State::closed, std::move(cause), now);
}

Settlement settle_call(Snapshot& snapshot, const Policy& policy, const CallResult& result, TimePoint now) {
  if (result.outcome == Outcome::ignored || snapshot.mode == Mode::disabled) return {};
  record(snapshot.counts, policy, result, now);
  if (result.outcome == Outcome::success && !is_slow(result, policy)) return {};
  auto cause = cause_to_open(snapshot.counts, policy);
  if (!cause || snapshot.mode == Mode::forced_closed) return {};
  if (snapshot.mode == Mode::automatic) return {.transition = open(snapshot, *std::move(cause), policy, now)};
  snapshot.counts = {};
  return {.would_have_tripped = std::move(cause)};
}

Settlement settle_probe(Snapshot& snapshot, const Policy& policy, uint64_t probe, const CallResult& result,
                        TimePoint now) {
  const auto lease = std::find_if(snapshot.probes.begin(), snapshot.probes.end(),
                                  [&](const Lease& held) { return held.probe == probe && held.deadline > now; });
  if (lease == snapshot.probes.end()) return {.late = result.outcome != Outcome::ignored};
  snapshot.probes.erase(lease);
  if (result.outcome == Outcome::ignored) return {};
  if (result.outcome == Outcome::failure) return {.transition = open(snapshot, "probe failed", policy, now)};
  if (policy.slow_call_rate_threshold > 0 && is_slow(result, policy)) {
    return {.transition = open(snapshot, "probe was slow", policy, now)};
  }
  snapshot.successes += 1;
  if (snapshot.successes < policy.success_threshold) return {};
  return {.transition = close(snapshot, plural(snapshot.successes, "successful probe"), now)};
}

// An override ends. A circuit that was forced open continues with a probe; any other starts again, closed.
Transition resume(Snapshot& snapshot, std::string cause, TimePoint now) {
  const bool was_open = snapshot.mode == Mode::forced_open;
  snapshot.mode = Mode::automatic;
  snapshot.mode_until = {};
  return was_open ? enter(snapshot, State::half_open, std::move(cause), now) : close(snapshot, std::move(cause), now);
}

std::string cause_of(const Override& override_) {
  std::string cause = std::string(describe(override_.mode)) + " by " + override_.actor;
  return override_.reason.empty() ? cause : cause + ": " + override_.reason;
}

}  // namespace

Snapshot closed_snapshot(TimePoint now) {
  Snapshot snapshot;
  snapshot.generation = generation_from(now);
  return snapshot;
}

TimePoint admits_from(const Snapshot& snapshot, const Policy& policy) {
  if (snapshot.state == State::open) return snapshot.open_until;
  const bool full = snapshot.probes.size() >= static_cast<size_t>(policy.permitted_calls_in_half_open);
  if (snapshot.state == State::closed || !full) return TimePoint{};
  return std::min_element(snapshot.probes.begin(), snapshot.probes.end(),
                          [](const Lease& a, const Lease& b) { return a.deadline < b.deadline; })
      ->deadline;
}

Decision admit(Snapshot& snapshot, const Policy& policy, TimePoint now) {
  auto transition = tick(snapshot, now);
  if (snapshot.state == State::closed) return {PermitId{snapshot.generation, 0}, std::move(transition)};
  if (const TimePoint from = admits_from(snapshot, policy); now < from) {
    return {Rejection{snapshot.state, retry_after(from, now, policy)}, std::move(transition)};
  }
  if (snapshot.state == State::open) transition = enter(snapshot, State::half_open, "recovery timeout over", now);
  std::erase_if(snapshot.probes, [now](const Lease& lease) { return lease.deadline <= now; });
  snapshot.probes_granted += 1;
  snapshot.probes.push_back({snapshot.probes_granted, now + policy.probe_timeout});
  return {PermitId{snapshot.generation, snapshot.probes_granted}, std::move(transition)};
}

Settlement settle(Snapshot& snapshot, const Policy& policy, const PermitId& permit, const CallResult& result,
                  TimePoint now) {
  auto transition = tick(snapshot, now);
  // The result of an older generation says nothing about this one. In this generation, a permit without a probe number
  // means that the circuit is closed.
  if (permit.generation != snapshot.generation) {
    return {.late = result.outcome != Outcome::ignored, .transition = std::move(transition)};
  }
  if (permit.probe == 0) return settle_call(snapshot, policy, result, now);
  return settle_probe(snapshot, policy, permit.probe, result, now);
}

std::optional<Transition> apply_override(Snapshot& snapshot, const Override& override_, std::chrono::microseconds lasts,
                                         TimePoint now) {
  const Mode mode = override_.mode;
  if (mode == Mode::automatic && snapshot.mode == Mode::automatic) return std::nullopt;
  if (mode == Mode::automatic) return resume(snapshot, cause_of(override_), now);
  snapshot.mode = mode == Mode::reset ? Mode::automatic : mode;
  snapshot.mode_until = lasts.count() > 0 && mode != Mode::reset ? now + lasts : TimePoint{};
  if (mode != Mode::forced_open) return close(snapshot, cause_of(override_), now);
  snapshot.open_until = lasts.count() > 0 ? snapshot.mode_until : never;
  return enter(snapshot, State::open, cause_of(override_), now);
}

std::optional<Transition> report_health(Snapshot& snapshot, Health health, TimePoint now) {
  if (auto transition = tick(snapshot, now)) return transition;
  if (snapshot.state != State::open || snapshot.mode != Mode::automatic) return std::nullopt;
  if (health == Health::up) return enter(snapshot, State::half_open, "health check passed", now);
  snapshot.open_until = now + snapshot.break_length;
  return std::nullopt;
}

std::optional<Transition> tick(Snapshot& snapshot, TimePoint now) {
  if (snapshot.mode_until == TimePoint{} || now < snapshot.mode_until) return std::nullopt;
  return resume(snapshot, std::string(describe(snapshot.mode)) + ": expired", now);
}

std::chrono::milliseconds rounded_up(std::chrono::microseconds left) {
  // Not std::chrono::ceil, which divides signed numbers, multiplies back and compares: rejections are frequent.
  const auto count = static_cast<uint64_t>(std::max(std::chrono::microseconds(1), left).count());
  return std::chrono::milliseconds((count + 999) / 1000);
}

std::chrono::milliseconds retry_after(TimePoint until, TimePoint now, const Policy& policy) {
  return until == never ? policy.recovery_timeout : rounded_up(until - now);
}

}  // namespace cb
