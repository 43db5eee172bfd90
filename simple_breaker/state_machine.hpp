// The transition table, pure: a snapshot, the policy and the time go in, a decision comes out. No clock, no lock, no
// I/O, so that one table serves a breaker in memory, a replayed trace and a test;
// redis_breaker/script/state_machine.lua is the same table where the snapshot lives in Redis, and the traces in traces/
// hold both to the same behaviour. Not thread-safe: the caller brings the lock. Nothing here throws.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "simple_breaker/breaker.hpp"
#include "simple_breaker/policies/failure_counts.hpp"
#include "simple_breaker/policies/health.hpp"
#include "simple_breaker/policies/override.hpp"
#include "simple_breaker/policy.hpp"

namespace cb {

// A probe under way. After `deadline` its slot is free again and its result is late.
struct Lease {
  uint64_t probe = 0;
  TimePoint deadline;
  bool operator==(const Lease&) const = default;
};

struct Snapshot {
  State state = State::closed;
  uint64_t generation = 0;
  FailureCounts counts;                       // while closed; kept while open, for people to see
  std::chrono::microseconds break_length{0};  // of the last break, if the circuit has not closed since
  TimePoint open_until;                       // open: the first instant at which a probe is admitted
  int successes = 0;                          // of probes, in this half-open stay
  uint64_t probes_granted = 0;                // in this half-open stay; also the number of the newest lease
  std::vector<Lease> probes;                  // at most permitted_calls_in_half_open
  Mode mode = Mode::automatic;
  TimePoint mode_until;  // the epoch: until further notice
  bool operator==(const Snapshot&) const = default;
};

// When a circuit ends that was forced open until further notice.
constexpr TimePoint never{std::chrono::microseconds(8'999'999'999'999'999)};

// A closed circuit that nobody has used. Generations come from the time, so that they do not repeat either when the
// state was lost.
Snapshot fresh(TimePoint now);

// Before this instant every call is rejected; the epoch where a call would be admitted now.
TimePoint admits_from(const Snapshot& snapshot, const Policy& policy);

struct Decision {
  std::variant<PermitId, Rejection> answer;
  std::optional<Transition> transition;
};

// May a call proceed?
Decision admit(Snapshot& snapshot, const Policy& policy, TimePoint now);

struct Settlement {
  bool late = false;
  std::optional<Transition> transition{};
  std::optional<std::string> would_have_tripped{};  // metrics_only: why it would have opened
};

// A permitted call has ended.
Settlement settle(Snapshot& snapshot, const Policy& policy, const PermitId& permit, const CallResult& result,
                  TimePoint now);

// A person orders something, for `lasts` (0: until further notice). Nothing where it was automatic already.
std::optional<Transition> apply_override(Snapshot& snapshot, const Override& order, std::chrono::microseconds lasts,
                                         TimePoint now);

// The upstream's health route has been asked.
std::optional<Transition> report_health(Snapshot& snapshot, Health health, TimePoint now);

// Nothing happened, but time went by: an override may be over.
std::optional<Transition> tick(Snapshot& snapshot, TimePoint now);

// As callers are told a time to wait: rounded up to a millisecond, at least 1 ms.
std::chrono::milliseconds rounded_up(std::chrono::microseconds left);

// Time left until `until`, as callers are told it. Nobody knows when a
// circuit that was forced open will admit calls: to come back after recovery_timeout is then good advice.
std::chrono::milliseconds retry_after(TimePoint until, TimePoint now, const Policy& policy);

}  // namespace cb
