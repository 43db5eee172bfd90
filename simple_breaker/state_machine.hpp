// The transition table: one pure function. A snapshot, the policy, an event and the time go in; the snapshot changes,
// and the reply says what became of the event. No clock, no lock, no I/O: the same table serves a breaker in memory, a
// replayed trace and a test. The Lua script of stage 3, redis_breaker/script/state_machine.lua, is the same table for
// snapshots in Redis; the traces in traces/ hold both to the same behaviour. Not thread-safe: the caller locks. Nothing
// here throws.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
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

// What can happen to a breaker.

struct Acquire {};  // a call wants to proceed

// A call that was admitted has ended; or `times` of them, all with this permit and this result.
struct Settle {
  PermitId permit;
  CallResult result;
  uint64_t times = 1;
};

// A person's override, for `lasts` (0: until further notice).
struct ApplyOverride {
  Override override_;
  std::chrono::microseconds lasts{0};
};

struct HealthReport {  // the answer of the upstream's health route
  Health health = Health::down;
};

struct Tick {};  // time has passed

using Event = std::variant<Acquire, Settle, ApplyOverride, HealthReport, Tick>;

// In order: at most one that time has made, and one that the event has made.
using Transitions = std::vector<Transition>;

// What became of an event. Acquire is admitted or rejected, Settle is settled or late, the others are noted.
struct Reply {
  enum class Kind { admitted, rejected, settled, late, noted };
  Kind kind = Kind::noted;
  PermitId permit{};                         // admitted
  std::chrono::milliseconds retry_after{0};  // rejected
  State state = State::closed;               // after the event
  Transitions transitions{};
  std::optional<std::string> would_have_tripped{};  // metrics_only: why the circuit would have opened
  bool operator==(const Reply&) const = default;
};

// A reason to open that no setting expresses: asked after each failed or slow call of a closed circuit that the policy
// leaves closed. Returns the cause, for people, or nothing. Pure: it may be called under a lock. One that throws has no
// reason to open.
using TripRule = std::function<std::optional<std::string>(const CountedCalls&)>;

// Applies an event that happens at `now`. Before any event, what time has done by then is applied: an override that has
// expired ends, and a probe without an answer opens the circuit. An open circuit becomes half-open on the first Acquire
// after its break. An override `auto` makes no transition if the mode was automatic already.
Reply apply(Snapshot& snapshot, const Policy& policy, const Event& event, TimePoint now, const TripRule& rule = {});

// The wait until `until`, as callers see it: rounded up to a millisecond, at least 1 ms. While a probe is in flight, at
// most a second: its lease may last much longer, but a probe usually ends soon. If the end is unknown (`never`),
// recovery_timeout is good advice.
std::chrono::milliseconds retry_after(State state, TimePoint until, TimePoint now, const Policy& policy);

}  // namespace cb
