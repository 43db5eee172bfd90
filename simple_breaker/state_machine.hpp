// The transition table as pure functions: a snapshot, the policy and the time go in, a decision comes out. No clock, no
// lock, no I/O: the same table serves a breaker in memory, a replayed trace and a test. The Lua script of stage 3,
// redis_breaker/script/state_machine.lua, is the same table for snapshots in Redis; the traces in traces/ hold both to
// the same behaviour. Not thread-safe: the caller locks. Nothing here throws.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "simple_breaker/breaker.hpp"
#include "simple_breaker/policies/failure_counts.hpp"
#include "simple_breaker/policies/health.hpp"
#include "simple_breaker/policies/override.hpp"
#include "simple_breaker/policy.hpp"

namespace cb {

// A probe in flight. After `deadline` its slot is free and its result is late.
struct Lease {
  uint64_t probe = 0;
  TimePoint deadline;
  bool operator==(const Lease&) const = default;
};

struct Snapshot {
  State state = State::closed;
  uint64_t generation = 0;
  FailureCounts counts;                       // while closed; kept while open, so that people can see the cause
  std::chrono::microseconds break_length{0};  // of the last break; 0: the circuit has closed since
  TimePoint open_until;                       // open: the first instant at which a probe is admitted
  int successes = 0;                          // of probes, in this half-open generation
  uint64_t probes_granted = 0;                // in this half-open generation; also the number of the newest lease
  std::vector<Lease> probes;                  // at most permitted_calls_in_half_open
  Mode mode = Mode::automatic;
  TimePoint mode_until;  // the epoch: until further notice
  bool operator==(const Snapshot&) const = default;
};

// The end of a break without an end: forced open until further notice.
constexpr TimePoint never{std::chrono::microseconds(8'999'999'999'999'999)};

// A closed circuit without any calls. Its generation comes from the time, so that generations do not repeat even if the
// state is lost.
Snapshot closed_snapshot(TimePoint now);

// Before this instant every call is rejected; the epoch: a call would be admitted now.
TimePoint admits_from(const Snapshot& snapshot, const Policy& policy);

struct Decision {
  std::variant<PermitId, Rejection> answer;
  std::optional<Transition> transition;
};

// Decides whether a call may proceed. An open circuit becomes half-open here, on the first call after its break.
Decision admit(Snapshot& snapshot, const Policy& policy, TimePoint now);

struct Settlement {
  bool late = false;
  std::optional<Transition> transition{};
  std::optional<std::string> would_have_tripped{};  // metrics_only: why it would have opened
};

// Records how an admitted call ended.
Settlement settle(Snapshot& snapshot, const Policy& policy, const PermitId& permit, const CallResult& result,
                  TimePoint now);

// Applies a person's override for `lasts` (0: until further notice). No transition if the mode was automatic already.
std::optional<Transition> apply_override(Snapshot& snapshot, const Override& override_, std::chrono::microseconds lasts,
                                         TimePoint now);

// Records the answer of the upstream's health route.
std::optional<Transition> report_health(Snapshot& snapshot, Health health, TimePoint now);

// Ends an override that has expired by `now`.
std::optional<Transition> tick(Snapshot& snapshot, TimePoint now);

// A wait as callers see it: rounded up to a millisecond, at least 1 ms.
std::chrono::milliseconds rounded_up(std::chrono::microseconds left);

// The wait until `until`, as callers see it. If that is `never`, the end is unknown: recovery_timeout is good advice.
std::chrono::milliseconds retry_after(TimePoint until, TimePoint now, const Policy& policy);

}  // namespace cb
