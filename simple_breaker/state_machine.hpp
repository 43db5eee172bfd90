// The transition table, pure: a snapshot, the policy and the time go in, a decision comes out. No clock, no lock, no
// I/O, so that one table serves a breaker in memory, a replayed trace and a test; redis_breaker/state_machine.lua is
// the same table where the snapshot lives in Redis, and the traces in traces/ hold both to the same behaviour. Not
// thread-safe: the caller brings the lock. Nothing here throws.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "simple_breaker/breaker.hpp"
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
  int failures = 0;             // in a row, while closed; kept while open, for people to see
  TimePoint open_until;         // open: the first instant at which a probe is admitted
  int successes = 0;            // of probes, in this half-open stay
  uint64_t probes_granted = 0;  // in this half-open stay; also the number of the newest lease
  std::vector<Lease> probes;    // at most permitted_calls_in_half_open
  bool operator==(const Snapshot&) const = default;
};

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
  std::optional<Transition> transition;
};

// A permitted call has ended.
Settlement settle(Snapshot& snapshot, const Policy& policy, const PermitId& permit, Outcome outcome, TimePoint now);

// Time left until `until`, as callers are told it: rounded up to a millisecond, at least 1 ms.
std::chrono::milliseconds retry_after(TimePoint until, TimePoint now);

}  // namespace cb
