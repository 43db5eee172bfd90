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

bool is_too_slow_for_a_probe(const CallResult& result, const Policy& policy) {
  return policy.slow_call_rate_threshold > 0 && is_slow(result, policy);
}

std::string cause_of(const Override& override_) {
  std::string cause = std::string(describe(override_.mode)) + " by " + override_.actor;
  return override_.reason.empty() ? cause : cause + ": " + override_.reason;
}

void cut(TimePoint& deadline, std::chrono::microseconds longest, TimePoint now) {
  if (longest.count() > 0) deadline = std::min(deadline, now + longest);
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

// Applies one event.
class Step {
 public:
  Step(Snapshot& snapshot, const Policy& policy, TimePoint now, const TripRule& rule)
      : s_(snapshot), policy_(policy), now_(now), rule_(rule) {}

  Reply apply(const Event& event) {
    pass_time();
    std::visit([this](const auto& each) { on(each); }, event);
    reply_.state = s_.state;
    return std::move(reply_);
  }

 private:
  using Kind = Reply::Kind;

  // --- the events

  void on(const Acquire&) {
    const TimePoint from = admits_from(s_, policy_);
    if (s_.state != State::closed && now_ < from) {
      reply_.kind = Kind::rejected;
      reply_.retry_after = retry_after(s_.state, from, now_, policy_);
      return;
    }
    reply_.kind = Kind::admitted;
    if (s_.state == State::open) enter(State::half_open, "recovery timeout over");
    reply_.permit = s_.state == State::closed ? PermitId{s_.generation, 0} : grant_probe();
  }

  // The result of an older generation says nothing about this one, unless it is the late answer of the probe that has
  // just timed out. In this generation, a permit without a probe number means that the circuit is closed.
  void on(const Settle& settle) {
    const PermitId& permit = settle.permit;
    reply_.kind = Kind::settled;
    if (permit.probe != 0 && permit == s_.timed_out) {
      settle_timed_out(settle.result);
    } else if (permit.generation != s_.generation) {
      drop(settle.result);
    } else if (permit.probe == 0) {
      settle_call(settle.result, settle.times);
    } else {
      settle_probe(permit.probe, settle.result);
    }
  }

  void on(const ApplyOverride& order) {
    const Mode mode = order.override_.mode;
    if (mode == Mode::automatic) {
      if (s_.mode != Mode::automatic) resume(cause_of(order.override_));
      return;
    }
    const bool ends = order.lasts.count() > 0 && mode != Mode::reset;
    s_.mode = mode == Mode::reset ? Mode::automatic : mode;
    s_.mode_length = ends ? order.lasts : std::chrono::microseconds(0);
    s_.mode_until = ends ? now_ + order.lasts : TimePoint{};
    if (mode != Mode::forced_open) return close(cause_of(order.override_));
    s_.open_until = ends ? s_.mode_until : never;
    enter(State::open, cause_of(order.override_));
  }

  void on(const HealthReport& report) {
    if (s_.state != State::open || s_.mode != Mode::automatic) return;
    if (report.health == Health::up) return enter(State::half_open, "health check passed");
    s_.open_until = now_ + s_.break_length;
  }

  void on(const Tick&) {}

  // --- transitions

  // The only place where the state changes, so every generation begins alike, whatever caused it.
  void enter(State to, std::string cause) {
    const State from = std::exchange(s_.state, to);
    s_.generation = std::max(s_.generation + 1, generation_from(now_));
    const bool has_limit = to == State::half_open && policy_.half_open_timeout.count() > 0;
    s_.half_open_until = has_limit ? now_ + policy_.half_open_timeout : TimePoint{};
    s_.probes_granted = 0;
    s_.probes.clear();
    s_.lease_length = {};
    const bool ends_break = from == State::open && to == State::half_open;
    if (!ends_break) {  // a probe that timed out is remembered until its break is over
      s_.successes = 0;
      s_.timed_out = {};
    }
    reply_.transitions.push_back({from, to, s_.generation, std::move(cause), now_});
  }

  void open(std::string cause) {
    enter(State::open, std::move(cause));
    s_.break_length = next_break(policy_, s_.break_length);
    s_.open_until = now_ + jittered(s_.break_length, policy_, s_.generation);
  }

  void close(std::string cause) {
    s_.counts = {};
    s_.break_length = {};
    enter(State::closed, std::move(cause));
  }

  // An override ends. A circuit that was forced open continues with a probe; any other starts again, closed.
  void resume(std::string cause) {
    const bool was_open = s_.mode == Mode::forced_open;
    s_.mode = Mode::automatic;
    s_.mode_until = {};
    s_.mode_length = {};
    if (was_open) return enter(State::half_open, std::move(cause));
    close(std::move(cause));
  }

  // --- results

  void drop(const CallResult& result) {
    if (result.outcome != Outcome::ignored) reply_.kind = Kind::late;
  }

  void settle_call(const CallResult& result, uint64_t times) {
    if (result.outcome == Outcome::ignored || s_.mode == Mode::disabled) return;
    record(s_.counts, policy_, result, now_, times);
    if (result.outcome == Outcome::success && !is_slow(result, policy_)) return;
    auto cause = cause_to_open(s_.counts, policy_);
    if (!cause && rule_) cause = cause_by_rule();
    if (!cause || s_.mode == Mode::forced_closed) return;
    if (s_.mode == Mode::automatic) return open(*std::move(cause));
    s_.counts = {};
    reply_.would_have_tripped = std::move(cause);
  }

  std::optional<std::string> cause_by_rule() const {
    try {
      return rule_({s_.counts.failures, total(s_.counts.window)});
    } catch (...) {
      return std::nullopt;
    }
  }

  void settle_probe(uint64_t probe, const CallResult& result) {
    const auto lease =
        std::find_if(s_.probes.begin(), s_.probes.end(), [&](const Lease& held) { return held.probe == probe; });
    if (lease == s_.probes.end()) return drop(result);
    s_.probes.erase(lease);
    if (result.outcome == Outcome::ignored) return;
    if (result.outcome == Outcome::failure) return open("probe failed");
    if (is_too_slow_for_a_probe(result, policy_)) return open("probe was slow");
    s_.successes += 1;
    if (s_.successes < policy_.success_threshold) return;
    close(plural(static_cast<uint64_t>(s_.successes), "successful probe"));
  }

  // The probe that opened the circuit by its timeout has a result after all. A success is newer than the trip, so it
  // counts like any probe's: it closes the circuit, or the next half-open period needs one success less.
  void settle_timed_out(const CallResult& result) {
    s_.timed_out = {};
    if (result.outcome != Outcome::success || is_too_slow_for_a_probe(result, policy_)) {
      s_.successes = 0;
      return drop(result);
    }
    s_.successes += 1;
    if (s_.successes >= policy_.success_threshold) close("a probe succeeded after its timeout");
  }

  PermitId grant_probe() {
    if (s_.timed_out != PermitId{}) {  // still without an answer: from now on only this probe counts
      s_.timed_out = {};
      s_.successes = 0;
    }
    s_.probes_granted += 1;
    s_.probes.push_back({s_.probes_granted, now_ + policy_.probe_timeout});
    s_.lease_length = std::max<std::chrono::microseconds>(s_.lease_length, policy_.probe_timeout);
    return {s_.generation, s_.probes_granted};
  }

  // --- time

  void pass_time() {
    clamp_deadlines();
    const bool has_expired = s_.mode_until != TimePoint{} && now_ >= s_.mode_until;
    if (has_expired) resume(std::string(describe(s_.mode)) + ": expired");
    if (s_.state == State::half_open) time_out();
  }

  // No deadline is further away than when it was set. One that seems to be was set before the clock was set back.
  void clamp_deadlines() {
    const bool ends_with_override = s_.mode == Mode::forced_open;
    cut(s_.mode_until, s_.mode_length, now_);
    if (s_.state == State::open) cut(s_.open_until, ends_with_override ? s_.mode_length : s_.break_length, now_);
    cut(s_.half_open_until, policy_.half_open_timeout, now_);
    for (Lease& lease : s_.probes) cut(lease.deadline, s_.lease_length, now_);
    cut(s_.counts.clear_at, policy_.clear_interval, now_);
    if (policy_.keeps_window()) set_back_to(s_.counts.window, bucket_at(now_, policy_.sliding_window_size));
  }

  // A probe without an answer is a failed one: otherwise a hung upstream would get probe after probe. The break starts
  // when the answer was due, not with the event that notices. With several probes in flight, only the first to end is
  // remembered: the others are results of an older generation.
  void time_out() {
    const TimePoint end = half_open_ends(s_);
    if (now_ < end) return;
    const Lease* const lease = first_to_end(s_.probes);
    const bool is_of_probe = lease != nullptr && lease->deadline == end;
    const PermitId unanswered = lease == nullptr ? PermitId{} : PermitId{s_.generation, lease->probe};
    const int successes = lease == nullptr ? 0 : s_.successes;
    open(is_of_probe ? "probe timed out" : "half-open timeout over");
    s_.open_until -= now_ - end;
    s_.timed_out = unanswered;
    s_.successes = successes;
  }

  Snapshot& s_;
  const Policy& policy_;
  const TimePoint now_;
  const TripRule& rule_;
  Reply reply_;
};

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

Reply apply(Snapshot& snapshot, const Policy& policy, const Event& event, TimePoint now, const TripRule& rule) {
  return Step(snapshot, policy, now, rule).apply(event);
}

std::chrono::milliseconds retry_after(State state, TimePoint until, TimePoint now, const Policy& policy) {
  if (until == never) return policy.recovery_timeout;
  // Not std::chrono::ceil, which divides signed numbers, multiplies back and compares: rejections are frequent.
  const auto left = static_cast<uint64_t>(std::max<int64_t>(1, (until - now).count()));
  const std::chrono::milliseconds rounded_up((left + 999) / 1000);
  return state == State::half_open ? std::min(rounded_up, usual_probe) : rounded_up;
}

}  // namespace cb
