#include "simple_breaker/state_machine.hpp"

#include <algorithm>
#include <utility>

#include "simple_breaker/policies/break_length.hpp"

namespace cb {
namespace {

// No caller waits longer for the answer of a probe in flight: the lab's calls have a second, and probes are calls.
constexpr std::chrono::milliseconds usual_probe{1000};

// A generation is the time at which it began. A clock set before 1970 yields 1.
uint64_t generation_from(TimePoint now) {
  return static_cast<uint64_t>(std::max<int64_t>(1, now.time_since_epoch().count()));
}

// The only place where the state changes, so every generation begins alike, whatever caused it.
Transition enter(Snapshot& snapshot, State to, std::string cause, const Policy& policy, TimePoint now) {
  const State from = std::exchange(snapshot.state, to);
  snapshot.generation = std::max(snapshot.generation + 1, generation_from(now));
  const bool has_limit = to == State::half_open && policy.half_open_timeout.count() > 0;
  snapshot.half_open_until = has_limit ? now + policy.half_open_timeout : TimePoint{};
  snapshot.probes_granted = 0;
  snapshot.probes.clear();
  snapshot.lease_length = {};
  const bool ends_break = from == State::open && to == State::half_open;
  if (!ends_break) {  // a break is all that a probe that timed out survives
    snapshot.successes = 0;
    snapshot.timed_out = {};
  }
  return {from, to, snapshot.generation, std::move(cause), now};
}

Transition open(Snapshot& snapshot, std::string cause, const Policy& policy, TimePoint now) {
  Transition transition = enter(snapshot, State::open, std::move(cause), policy, now);
  snapshot.break_length = next_break(policy, snapshot.break_length);
  snapshot.open_until = now + jittered(snapshot.break_length, policy, snapshot.generation);
  return transition;
}

Transition close(Snapshot& snapshot, std::string cause, const Policy& policy, TimePoint now) {
  snapshot.counts = {};
  snapshot.break_length = {};
  return enter(snapshot, State::closed, std::move(cause), policy, now);
}

bool is_too_slow_for_a_probe(const CallResult& result, const Policy& policy) {
  return policy.slow_call_rate_threshold > 0 && is_slow(result, policy);
}

Settlement settle_call(Snapshot& snapshot, const Policy& policy, const CallResult& result, TimePoint now) {
  if (result.outcome == Outcome::ignored || snapshot.mode == Mode::disabled) return {};
  record(snapshot.counts, policy, result, now);
  if (result.outcome == Outcome::success && !is_slow(result, policy)) return {};
  auto cause = cause_to_open(snapshot.counts, policy);
  if (!cause || snapshot.mode == Mode::forced_closed) return {};
  if (snapshot.mode == Mode::automatic) return {.transitions = {open(snapshot, *std::move(cause), policy, now)}};
  snapshot.counts = {};
  return {.would_have_tripped = std::move(cause)};
}

Settlement settle_probe(Snapshot& snapshot, const Policy& policy, uint64_t probe, const CallResult& result,
                        TimePoint now) {
  const auto lease = std::find_if(snapshot.probes.begin(), snapshot.probes.end(),
                                  [&](const Lease& held) { return held.probe == probe; });
  if (lease == snapshot.probes.end()) return {.late = result.outcome != Outcome::ignored};
  snapshot.probes.erase(lease);
  if (result.outcome == Outcome::ignored) return {};
  if (result.outcome == Outcome::failure) return {.transitions = {open(snapshot, "probe failed", policy, now)}};
  if (is_too_slow_for_a_probe(result, policy)) {
    return {.transitions = {open(snapshot, "probe was slow", policy, now)}};
  }
  snapshot.successes += 1;
  if (snapshot.successes < policy.success_threshold) return {};
  return {.transitions = {
              close(snapshot, plural(static_cast<uint64_t>(snapshot.successes), "successful probe"), policy, now)}};
}

// The probe that opened the circuit by its timeout has a result after all. A success is newer than the trip, so it
// counts like any probe's: it closes the circuit, or the next half-open period needs one success less.
Settlement settle_timed_out(Snapshot& snapshot, const Policy& policy, const CallResult& result, TimePoint now) {
  snapshot.timed_out = {};
  if (result.outcome != Outcome::success || is_too_slow_for_a_probe(result, policy)) {
    snapshot.successes = 0;
    return {.late = result.outcome != Outcome::ignored};
  }
  snapshot.successes += 1;
  if (snapshot.successes < policy.success_threshold) return {};
  return {.transitions = {close(snapshot, "a probe succeeded after its timeout", policy, now)}};
}

// An override ends. A circuit that was forced open continues with a probe; any other starts again, closed.
Transition resume(Snapshot& snapshot, std::string cause, const Policy& policy, TimePoint now) {
  const bool was_open = snapshot.mode == Mode::forced_open;
  snapshot.mode = Mode::automatic;
  snapshot.mode_until = {};
  snapshot.mode_length = {};
  return was_open ? enter(snapshot, State::half_open, std::move(cause), policy, now)
                  : close(snapshot, std::move(cause), policy, now);
}

const Lease* first_to_end(const std::vector<Lease>& probes) {
  const auto first = std::min_element(probes.begin(), probes.end(),
                                      [](const Lease& a, const Lease& b) { return a.deadline < b.deadline; });
  return first == probes.end() ? nullptr : &*first;
}

// When a half-open circuit opens if nothing happens before.
TimePoint half_open_ends(const Snapshot& snapshot) {
  const Lease* const lease = first_to_end(snapshot.probes);
  const TimePoint limit = snapshot.half_open_until == TimePoint{} ? never : snapshot.half_open_until;
  return lease == nullptr ? limit : std::min(limit, lease->deadline);
}

// A probe without an answer is a failed one: otherwise a hung upstream would get probe after probe. The break starts
// when the answer was due, not with the event that notices. With several probes in flight, only the first to end is
// remembered: the others are results of an older generation.
std::optional<Transition> time_out(Snapshot& snapshot, const Policy& policy, TimePoint now) {
  if (snapshot.state != State::half_open) return std::nullopt;
  const TimePoint end = half_open_ends(snapshot);
  if (now < end) return std::nullopt;
  const Lease* const lease = first_to_end(snapshot.probes);
  const bool is_of_probe = lease != nullptr && lease->deadline == end;
  const PermitId unanswered = lease == nullptr ? PermitId{} : PermitId{snapshot.generation, lease->probe};
  const int successes = lease == nullptr ? 0 : snapshot.successes;
  Transition transition = open(snapshot, is_of_probe ? "probe timed out" : "half-open timeout over", policy, now);
  snapshot.open_until -= now - end;
  snapshot.timed_out = unanswered;
  snapshot.successes = successes;
  return transition;
}

void cut(TimePoint& deadline, std::chrono::microseconds longest, TimePoint now) {
  if (longest.count() > 0) deadline = std::min(deadline, now + longest);
}

// No deadline is further away than when it was set. One that seems to be was set before the clock was set back.
void clamp_deadlines(Snapshot& snapshot, const Policy& policy, TimePoint now) {
  const bool ends_with_override = snapshot.mode == Mode::forced_open;
  cut(snapshot.mode_until, snapshot.mode_length, now);
  if (snapshot.state == State::open) {
    cut(snapshot.open_until, ends_with_override ? snapshot.mode_length : snapshot.break_length, now);
  }
  cut(snapshot.half_open_until, policy.half_open_timeout, now);
  for (Lease& lease : snapshot.probes) cut(lease.deadline, snapshot.lease_length, now);
  cut(snapshot.counts.clear_at, policy.clear_interval, now);
  if (policy.keeps_window()) set_back_to(snapshot.counts.window, bucket_at(now, policy.sliding_window_size));
}

PermitId grant_probe(Snapshot& snapshot, const Policy& policy, TimePoint now) {
  if (snapshot.timed_out != PermitId{}) {  // still without an answer: from now on only this probe counts
    snapshot.timed_out = {};
    snapshot.successes = 0;
  }
  snapshot.probes_granted += 1;
  snapshot.probes.push_back({snapshot.probes_granted, now + policy.probe_timeout});
  snapshot.lease_length = std::max<std::chrono::microseconds>(snapshot.lease_length, policy.probe_timeout);
  return {snapshot.generation, snapshot.probes_granted};
}

Settlement settle_now(Snapshot& snapshot, const Policy& policy, const PermitId& permit, const CallResult& result,
                      TimePoint now) {
  // The result of an older generation says nothing about this one, unless it is the answer that time did not wait for.
  // In this generation, a permit without a probe number means that the circuit is closed.
  if (permit.probe != 0 && permit == snapshot.timed_out) return settle_timed_out(snapshot, policy, result, now);
  if (permit.generation != snapshot.generation) return {.late = result.outcome != Outcome::ignored};
  if (permit.probe == 0) return settle_call(snapshot, policy, result, now);
  return settle_probe(snapshot, policy, permit.probe, result, now);
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
  return snapshot.state == State::closed || !full ? TimePoint{} : half_open_ends(snapshot);
}

Decision admit(Snapshot& snapshot, const Policy& policy, TimePoint now) {
  Transitions transitions = tick(snapshot, policy, now);
  if (snapshot.state == State::closed) return {PermitId{snapshot.generation, 0}, std::move(transitions)};
  if (const TimePoint from = admits_from(snapshot, policy); now < from) {
    return {Rejection{snapshot.state, retry_after(snapshot.state, from, now, policy)}, std::move(transitions)};
  }
  if (snapshot.state == State::open) {
    transitions.push_back(enter(snapshot, State::half_open, "recovery timeout over", policy, now));
  }
  return {grant_probe(snapshot, policy, now), std::move(transitions)};
}

Settlement settle(Snapshot& snapshot, const Policy& policy, const PermitId& permit, const CallResult& result,
                  TimePoint now) {
  Transitions transitions = tick(snapshot, policy, now);
  Settlement settlement = settle_now(snapshot, policy, permit, result, now);
  settlement.transitions.insert(settlement.transitions.begin(), transitions.begin(), transitions.end());
  return settlement;
}

Transitions apply_override(Snapshot& snapshot, const Policy& policy, const Override& override_,
                           std::chrono::microseconds lasts, TimePoint now) {
  Transitions transitions = tick(snapshot, policy, now);
  const Mode mode = override_.mode;
  if (mode == Mode::automatic && snapshot.mode == Mode::automatic) return transitions;
  if (mode == Mode::automatic) {
    transitions.push_back(resume(snapshot, cause_of(override_), policy, now));
    return transitions;
  }
  const bool ends = lasts.count() > 0 && mode != Mode::reset;
  snapshot.mode = mode == Mode::reset ? Mode::automatic : mode;
  snapshot.mode_length = ends ? lasts : std::chrono::microseconds(0);
  snapshot.mode_until = ends ? now + lasts : TimePoint{};
  if (mode == Mode::forced_open) snapshot.open_until = ends ? snapshot.mode_until : never;
  transitions.push_back(mode == Mode::forced_open ? enter(snapshot, State::open, cause_of(override_), policy, now)
                                                  : close(snapshot, cause_of(override_), policy, now));
  return transitions;
}

Transitions report_health(Snapshot& snapshot, const Policy& policy, Health health, TimePoint now) {
  Transitions transitions = tick(snapshot, policy, now);
  if (snapshot.state != State::open || snapshot.mode != Mode::automatic) return transitions;
  if (health == Health::up) {
    transitions.push_back(enter(snapshot, State::half_open, "health check passed", policy, now));
  } else {
    snapshot.open_until = now + snapshot.break_length;
  }
  return transitions;
}

Transitions tick(Snapshot& snapshot, const Policy& policy, TimePoint now) {
  Transitions transitions;
  clamp_deadlines(snapshot, policy, now);
  if (snapshot.mode_until != TimePoint{} && now >= snapshot.mode_until) {
    transitions.push_back(resume(snapshot, std::string(describe(snapshot.mode)) + ": expired", policy, now));
  }
  if (auto transition = time_out(snapshot, policy, now)) transitions.push_back(*std::move(transition));
  return transitions;
}

std::chrono::milliseconds retry_after(State state, TimePoint until, TimePoint now, const Policy& policy) {
  if (until == never) return policy.recovery_timeout;
  // Not std::chrono::ceil, which divides signed numbers, multiplies back and compares: rejections are frequent.
  const auto left = static_cast<uint64_t>(std::max<int64_t>(1, (until - now).count()));
  const std::chrono::milliseconds rounded_up((left + 999) / 1000);
  return state == State::half_open ? std::min(rounded_up, usual_probe) : rounded_up;
}

}  // namespace cb
