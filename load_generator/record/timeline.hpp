// A Timeline is a Run as it is drawn: the state of each instance over time, and the calls worth a mark. Pure.
//
// States come from two sources. A transition is exact (to the millisecond), but only one instance reports it, and a
// restarted instance has lost its list. A poll sees every instance, but only about every 100 ms, and a change may
// overtake its answer. So transitions count, and a poll that contradicts them counts once the next poll agrees with it.
// Only polls can show that an instance does not answer, or is on its local breaker.
//
// Part of a run is enough. If transitions and samples from before a window are gone, the first sample in it gives the
// state at its start; calls without a mark may be missing (except for traffic()).
#pragma once

#include <vector>

#include "load_generator/record/run_record.hpp"

namespace load {

// A call worth a mark: it failed, was a probe, or its result came late.
struct Mark {
  size_t target = 0;
  Offset at{0};  // when it was sent
  CallStatus status = CallStatus::success;
  bool probe = false;
  bool late = false;
  // It reached for the upstream and failed, although another instance's breaker had been open when it was sent (for a
  // millisecond at least, as transitions have whole ones). On a shared breaker a call is wasted only if another
  // instance had opened it and this one did not know yet; what half-open admits is not wasted.
  bool wasted = false;
};

struct Timeline {
  // By target: the state from its first sample on. Each point holds until the next, and differs from it. Two may have
  // the same time: a half-open period of less than a millisecond. A transition of the shared breaker counts for every
  // target on it. A change that only polls show stands at the first of the two that agree.
  std::vector<std::vector<Sample>> lanes;
  // In order of time. Whether a call was wasted may turn out later, when other instances' transitions have come in.
  std::vector<Mark> marks;
};

Timeline timeline(const Run& run);

// Counts per step of time from the start of the load, by when the call was sent: requests that reached the upstream,
// those of them that did not succeed (as callers know it: each attempt but the one that was answered), and blocked
// calls. All three have one length, which covers the run and every call. `step` is above 0.
struct Traffic {
  Offset step{0};
  std::vector<uint64_t> upstream_calls;
  std::vector<uint64_t> upstream_failures;
  std::vector<uint64_t> blocked;
};

Traffic traffic(const Run& run, Offset step);

}  // namespace load
