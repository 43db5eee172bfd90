// A RecentHistory holds what was observed of a fleet: all of the last two minutes, as a Run, and sums since the start.
// The caller records each answer of instances and upstream; it does no I/O. Times are offsets from the start, and what
// happened before the start is dropped.
// Bounded memory: of each instance the last sample before the two minutes is kept, for the state in force when they
// begin; of calls and transitions a fixed number. Not thread-safe.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "load_generator/api/instance_api.hpp"
#include "load_generator/live/fleet_snapshot.hpp"
#include "load_generator/load/instance_clock.hpp"
#include "load_generator/record/disagreement.hpp"
#include "load_generator/record/run_record.hpp"

namespace load {

struct WatchedFleet {
  std::vector<Target> targets;  // a name may be empty: not known yet
  std::string upstream;         // its URL
};

class RecentHistory {
 public:
  static constexpr Offset length = std::chrono::minutes(2);
  static constexpr size_t most_calls = 5000;
  static constexpr size_t most_transitions = 5000;

  RecentHistory(const WatchedFleet& fleet, int64_t started_at_epoch_ms);

  // An answer received at `now`, which never falls; nothing: no valid answer. Returns true if a reader should be
  // notified at once.
  bool record_status(size_t target, Offset now, const std::optional<InstanceStatus>& status);
  // `asked`: when the request was sent.
  bool record_fault(Offset asked, const std::optional<UpstreamFault>& fault);
  void record_ledger(Offset now, const std::optional<Ledger>& ledger);

  FleetSnapshot snapshot(Offset now) const;
  const Run& run() const { return run_; }
  const std::vector<ObservedInstance>& instances() const { return instances_; }

  // Differs between two histories, between processes, and after each change of a target's name.
  uint64_t edition() const { return edition_; }
  // Counts changes. A change may date from a while ago: changed_since() is the earliest time that any change after
  // `revision` concerns.
  uint64_t revision() const { return revision_; }
  Offset changed_since(uint64_t revision) const;

 private:
  struct Change {
    uint64_t revision;
    Offset from;
  };

  void name_target(size_t target, const std::string& name);
  // Records those that the last answer did not have. Returns the earliest time that this changes.
  Offset record_transitions(size_t target, Offset now, const std::vector<ReportedTransition>& transitions);
  Offset record_calls(size_t target, Offset now, const std::vector<NotableCall>& calls);
  void record_change_from(Offset from);
  void prune(Offset now);
  void drop_repeats(Offset until);
  bool has_transition(Offset after, Offset until) const;
  Offset calls_kept_from(Offset window) const;
  void settle_waste(const std::vector<Mark>& marks, Offset until);
  void settle_disagreement(const std::vector<std::vector<Sample>>& lanes, Offset until);
  void feed(Disagreement& disagreement, const std::vector<std::vector<Sample>>& lanes, Offset until) const;

  const int64_t started_at_epoch_ms_;
  std::vector<InstanceClock> clocks_;  // by target
  Run run_;                            // its targets' names are unique; the URL until an instance has answered
  std::vector<ObservedInstance> instances_;
  ObservedUpstream upstream_;
  TrafficCounts traffic_;
  uint64_t edition_;
  uint64_t revision_ = 0;
  std::deque<Change> changes_;
  Offset next_pruning_{0};
  Disagreement disagreement_;
  Offset disagreement_settled_{-1};  // later samples are still in run_
  uint64_t wasted_ = 0;
  Offset waste_settled_{-1};
};

}  // namespace load
