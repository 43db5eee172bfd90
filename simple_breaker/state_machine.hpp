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

// A probe in flight. If `deadline` passes without a result, the probe has failed.
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
  TimePoint half_open_until;                  // half-open: when half_open_timeout opens it; the epoch: never
  int successes = 0;                          // of probes, in this half-open generation
  uint64_t probes_granted = 0;                // in this half-open generation; also the number of the newest lease
  std::vector<Lease> probes;                  // at most permitted_calls_in_half_open
  std::chrono::microseconds lease_length{0};  // the longest of these leases, as granted
  PermitId timed_out;                         // the probe whose lease ran out, until a newer one is granted
  Mode mode = Mode::automatic;
  TimePoint mode_until;                      // the epoch: until further notice
  std::chrono::microseconds mode_length{0};  // how long the override was to last
  bool operator==(const Snapshot&) const = default;
};

// The end of a break without an end: forced open until further notice.
constexpr TimePoint never{std::chrono::microseconds(8'999'999'999'999'999)};

// A closed circuit without any calls. Its generation comes from the time, so that generations do not repeat even if the
// state is lost.
Snapshot closed_snapshot(TimePoint now);

// Before this instant every call is rejected; the epoch: a call would be admitted now.
TimePoint admits_from(const Snapshot& snapshot, const Policy& policy);

// The transitions of one event, in order: at most one that time has made, and one that the event makes.
using Transitions = std::vector<Transition>;

struct Decision {
  std::variant<PermitId, Rejection> answer;
  Transitions transitions{};
};

// Decides whether a call may proceed. An open circuit becomes half-open here, on the first call after its break.
Decision admit(Snapshot& snapshot, const Policy& policy, TimePoint now);

struct Settlement {
  bool late = false;
  Transitions transitions{};
  std::optional<std::string> would_have_tripped{};  // metrics_only: why it would have opened
};

// Records how an admitted call ended.
Settlement settle(Snapshot& snapshot, const Policy& policy, const PermitId& permit, const CallResult& result,
                  TimePoint now);

// Applies a person's override for `lasts` (0: until further notice). No transition if the mode was automatic already.
Transitions apply_override(Snapshot& snapshot, const Policy& policy, const Override& override_,
                           std::chrono::microseconds lasts, TimePoint now);

// Records the answer of the upstream's health route.
Transitions report_health(Snapshot& snapshot, const Policy& policy, Health health, TimePoint now);

// What time has done by `now`: an override that has expired ends, and a probe without an answer opens the circuit. Each
// of the events above starts with it.
Transitions tick(Snapshot& snapshot, const Policy& policy, TimePoint now);

// The wait until `until`, as callers see it: rounded up to a millisecond, at least 1 ms. While a probe is in flight, at
// most a second: its lease may last much longer, but a probe usually ends soon. If the end is unknown (`never`),
// recovery_timeout is good advice.
std::chrono::milliseconds retry_after(State state, TimePoint until, TimePoint now, const Policy& policy);

}  // namespace cb
