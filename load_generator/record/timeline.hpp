// A Run as it is drawn: what state each instance was in, which calls tell something, and how much reached the upstream.
// Pure, and content with part of a run: where transitions and samples from before a window are gone, the first sample
// in it says how things stood, and calls that tell nothing are not missed (but by traffic()).
//
// States come from two sources. A transition is exact (to the millisecond), but only one instance reports it, and a
// restarted one has forgotten. A poll sees every instance, but only about every 100 ms, and its answer may have been on
// its way while something changed. So transitions are believed, and a poll that says otherwise is when the next one
// says the same. That an instance does not answer, or goes by a breaker of its own, only polls can know.
#pragma once

#include <vector>

#include "load_generator/record/run_record.hpp"

namespace load {

// By target: the state from its first sample on; each point holds until the next, and differs from it. Two may have the
// same time: a half-open stay of less than a millisecond. A transition of the shared breaker counts for every target
// that goes by it. A change that only polls know of stands at the first of the two that agree.
std::vector<std::vector<Sample>> lanes(const Run& run);

// A call that tells something: it failed, was a probe, or its result came late.
struct Mark {
  size_t target = 0;
  Offset at{0};  // when it was sent
  CallStatus status = CallStatus::success;
  bool probe = false;
  bool late = false;
  // It reached for the upstream and failed, though another instance's breaker was open already when it was sent (by a
  // millisecond at least, as transitions have whole ones). Who goes by the shared breaker has wasted a call only where
  // another had opened it, and it had not heard of it: what half-open lets through is no waste.
  bool wasted = false;
};

// In order of time, those sent at `since` or later. Whether one was wasted may turn out when the other instances'
// transitions have come in.
std::vector<Mark> marks(const Run& run, Offset since = Offset::min());

// Counts per step of time from the start of the load, by when the call was sent: what reached the upstream, what of
// that did not succeed (as its callers know it: each attempt but the one that was answered), and calls that were
// blocked. All of one length, which covers the run and every call. `step` is above 0.
struct Traffic {
  Offset step{0};
  std::vector<uint64_t> upstream_calls;
  std::vector<uint64_t> upstream_failures;
  std::vector<uint64_t> blocked;
};

Traffic traffic(const Run& run, Offset step);

}  // namespace load
