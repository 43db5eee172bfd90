// A FleetSnapshot is a fleet at one moment, with its last two minutes: the page and the terminal are both made from it.
// Times are offsets from when the poller started. A plain value; safe to copy to another thread.
// Names and causes come from other programs: print them as text only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "load_generator/api/instance_api.hpp"
#include "load_generator/live/traffic_counts.hpp"
#include "load_generator/record/run_record.hpp"
#include "load_generator/record/timeline.hpp"

namespace load {

struct ObservedInstance {
  bool answers = false;
  InstanceStatus status;         // its last answer
  CallCounts before_restarts{};  // an instance counts from zero after each restart

  State state() const { return answers ? status.state : State::unknown; }
  CallCounts calls() const;  // over all restarts, as far as the poller saw them
};

struct ObservedUpstream {
  std::string url;
  bool answers = false;
  UpstreamFault fault;  // its last answer, as is the ledger
  Offset asked{0};      // when the poller asked for it: the fault was in force then, or began later
  Ledger ledger;
};

struct FleetSnapshot {
  Offset now{0};
  int64_t started_at_epoch_ms = 0;
  std::vector<Target> targets;              // with unique names: the URL until an instance has answered
  std::vector<ObservedInstance> instances;  // by target, as are the lanes
  std::vector<std::vector<Sample>> lanes;
  std::vector<Transition> transitions;
  std::vector<Mark> marks;
  TrafficCounts traffic{0};
  ObservedUpstream upstream;
  uint64_t wasted = 0;                      // since the poller started, as is the disagreement
  Offset disagreement{0};                   // for how long instances were in different states
  std::optional<Offset> disagreeing_for{};  // without a pause, until now; nothing while they agree

  CallCounts calls() const;              // of all instances
  LedgerEntry received() const;          // from all callers
  std::string agreement_text() const;    // "2 open, 1 closed"
  bool is_cut_off(size_t target) const;  // the upstream drops its calls
};

std::string words_for(State state);  // half-open

}  // namespace load
