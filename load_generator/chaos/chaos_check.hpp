// Checks the invariants of the shared breaker, which hold whatever faults are injected. Pure: a recorded history in,
// verdicts out.
//
//   answered         every call is answered, unless its instance was down
//   in time          answers arrive within the call's deadline, and rejections at once: no call waits long for Redis
//                    (measured from when the call was sent, to exclude this program's delays)
//   protected        no instance lets one failure after another through: without a success in between, it trips. It may
//                    restart counting when Redis goes and when it comes back, so the limit is three times the threshold
//   one probe        the fleet has no more probes in flight in one half-open generation than are permitted; while Redis
//                    is away each instance has a local breaker with its own generations
//   unique           no two transitions of the shared breaker start the same generation
//   in order         each instance reports generations in ascending order
//   explained        every call that the upstream received is known to an instance
//   recovered        once all faults are over, no instance is open, half-open, unreachable or on its local breaker for
//                    long
//
// Limits: what an instance did in the last moments before it was killed is only in its log, without its generation.
// A check does not guess: a probe's lease is only known to have begun between the call's due time and its answer, so
// two probes are a violation only if they overlap in every case.
#pragma once

#include <string>
#include <vector>

#include "load_generator/chaos/chaos_plan.hpp"
#include "load_generator/record/run_record.hpp"

namespace load {

// From a kill of the instance until it listened again.
struct Absence {
  size_t target = 0;
  Offset from{0};
  Offset until{0};
};

// A fault or its end: "redis: killed".
struct ChaosEvent {
  Offset at{0};
  std::string text;
};

// A line of an instance's log; also of a killed one.
struct LogLine {
  Offset at{0};
  size_t target = 0;
  std::string text;
};

struct ChaosHistory {
  ChaosSettings settings;
  ChaosBreaker breaker;
  Run run;
  std::vector<ChaosEvent> events;
  std::vector<Absence> absences;
  std::vector<LogLine> log;
  Offset healthy_from{0};  // no fault was in force after it

  const std::string& name_of(size_t target) const { return run.targets.at(target).name; }
};

// When a check was violated, and how.
struct Violation {
  Offset at{0};
  std::string text;
};

struct Verdict {
  std::string check;
  std::string what;  // "slowest answer, ms"
  double measured = 0;
  double at_most = 0;
  std::vector<Violation> violations;  // empty: it held
};

// For how long after `healthy_from` an instance may still not be closed, or not share.
std::chrono::milliseconds time_to_recover(const ChaosSettings& settings, const ChaosBreaker& breaker);

std::vector<Verdict> check(const ChaosHistory& history);

bool all_held(const std::vector<Verdict>& verdicts);

}  // namespace load
