#include "simple_breaker/state_machine.hpp"

#include <algorithm>

namespace cb {
namespace {

// Generations are taken from the clock; one that stands before 1970 counts as standing still.
uint64_t generation_from(TimePoint now) {
  return static_cast<uint64_t>(std::max<int64_t>(1, now.time_since_epoch().count()));
}

// The only place where a state changes: what a new stay begins with is the same whatever led to it.
Transition enter(Snapshot& snapshot, State to, std::string cause, const Policy& policy, TimePoint now) {
  const State from = snapshot.state;
  snapshot.state = to;
  snapshot.generation = std::max(snapshot.generation + 1, generation_from(now));
  snapshot.successes = 0;
  snapshot.probes_granted = 0;
  snapshot.probes.clear();
  if (to == State::closed) snapshot.failures = 0;
  if (to == State::open) snapshot.open_until = now + policy.recovery_timeout;
  return {from, to, snapshot.generation, std::move(cause), now};
}

std::string counted(int count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

Settlement settle_call(Snapshot& snapshot, const Policy& policy, Outcome outcome, TimePoint now) {
  if (outcome == Outcome::success) snapshot.failures = 0;
  if (outcome != Outcome::failure) return {};
  snapshot.failures += 1;
  if (snapshot.failures < policy.failure_threshold) return {};
  return {false, enter(snapshot, State::open, counted(snapshot.failures, "consecutive failure"), policy, now)};
}

Settlement settle_probe(Snapshot& snapshot, const Policy& policy, uint64_t probe, Outcome outcome, TimePoint now) {
  const auto lease = std::find_if(snapshot.probes.begin(), snapshot.probes.end(),
                                  [&](const Lease& held) { return held.probe == probe && held.deadline > now; });
  if (lease == snapshot.probes.end()) return {outcome != Outcome::ignored, std::nullopt};
  snapshot.probes.erase(lease);
  if (outcome == Outcome::ignored) return {};
  if (outcome == Outcome::failure) return {false, enter(snapshot, State::open, "probe failed", policy, now)};
  snapshot.successes += 1;
  if (snapshot.successes < policy.success_threshold) return {};
  return {false, enter(snapshot, State::closed, counted(snapshot.successes, "successful probe"), policy, now)};
}

}  // namespace

Snapshot fresh(TimePoint now) {
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
  if (snapshot.state == State::closed) return {PermitId{snapshot.generation, 0}, std::nullopt};
  if (const TimePoint from = admits_from(snapshot, policy); now < from) {
    return {Rejection{snapshot.state, retry_after(from, now)}, std::nullopt};
  }
  std::optional<Transition> transition;
  if (snapshot.state == State::open) {
    transition = enter(snapshot, State::half_open, "recovery timeout over", policy, now);
  }
  std::erase_if(snapshot.probes, [now](const Lease& lease) { return lease.deadline <= now; });
  snapshot.probes_granted += 1;
  snapshot.probes.push_back({snapshot.probes_granted, now + policy.probe_timeout});
  return {PermitId{snapshot.generation, snapshot.probes_granted}, std::move(transition)};
}

Settlement settle(Snapshot& snapshot, const Policy& policy, const PermitId& permit, Outcome outcome, TimePoint now) {
  // From an older stay: it says nothing about this one. A permit of this generation that is no probe means closed.
  if (permit.generation != snapshot.generation) return {outcome != Outcome::ignored, std::nullopt};
  if (permit.probe == 0) return settle_call(snapshot, policy, outcome, now);
  return settle_probe(snapshot, policy, permit.probe, outcome, now);
}

std::chrono::milliseconds retry_after(TimePoint until, TimePoint now) {
  // By hand, for rejections are frequent: std::chrono::ceil divides signed numbers, multiplies back and compares.
  const auto left = static_cast<uint64_t>(std::max(std::chrono::microseconds(1), until - now).count());
  return std::chrono::milliseconds((left + 999) / 1000);
}

}  // namespace cb
