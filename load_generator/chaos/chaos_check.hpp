// What must hold whatever is done to Redis, to the instances and to the upstream, and whether it did. Pure: a recorded
// history in, verdicts out.
//
//   answered         every call is answered, but where its instance was down
//   in time          within the call's own deadline, and a rejection at once: Redis makes nobody wait (from when the
//                    call went out, so that this program's own delays are nobody's fault)
//   protected        no instance lets one failure after another through: where nothing succeeds in between, it trips;
//   it
//                    may begin to count anew when Redis goes and when it comes back, so three times the threshold
//   one probe        the fleet has no more probes under way in one half-open stay than are permitted; while Redis is
//                    away each instance has a breaker, and stays, of its own
//   told once        no two transitions of the shared breaker begin the same stay
//   in order         the stays that an instance tells of come in the order of their generations
//   explained        every call that the upstream received was somebody's
//   recovered        once all is well, no instance stays for long what it should not be: open, half-open, not there, or
//                    by a breaker of its own
//
// Limit: what an instance did in the last moments before it was killed stands in its log alone, without its generation.
// A check never accuses on a guess: of a probe's lease we know only that it began between a call's due time and its
// answer, so two of them are too many only where they are so however it was.
#pragma once

#include <string>
#include <vector>

#include "load_generator/chaos/chaos_plan.hpp"
#include "load_generator/record/run_record.hpp"

namespace load {

// An instance was killed, and listens again.
struct Absence {
  size_t target = 0;
  Offset from{0};
  Offset until{0};
};

// What was done, for people: "redis: killed".
struct Deed {
  Offset at{0};
  std::string text;
};

// What an instance wrote, kill -9 or not.
struct LogLine {
  Offset at{0};
  size_t target = 0;
  std::string text;
};

struct ChaosHistory {
  ChaosSettings settings;
  ChaosBreaker breaker;
  Run run;
  std::vector<Deed> deeds;
  std::vector<Absence> absences;
  std::vector<LogLine> log;
  Offset well_at{0};  // from then on nothing was wrong any more

  const std::string& name_of(size_t target) const { return run.targets.at(target).name; }
};

// A proof that something did not hold: when, and what.
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

// How long after `well_at` an instance may not be closed, or not share.
std::chrono::milliseconds time_to_recover(const ChaosSettings& settings, const ChaosBreaker& breaker);

std::vector<Verdict> check(const ChaosHistory& history);

bool all_held(const std::vector<Verdict>& verdicts);

}  // namespace load
