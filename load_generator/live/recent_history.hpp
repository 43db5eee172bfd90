// A LiveWindow is what was seen of a fleet: all of the last two minutes, as a Run, and sums since it began. It is fed
// with what instances and upstream answer, and does no I/O. Times are offsets from when it began; what happened before
// that is none of its business.
// Its memory does not grow with time: what is older than the window is dropped, but for the sums and for the last
// sample, which says in what state an instance came into the window; of calls and transitions it keeps a bounded
// number. A place is what somebody has seen of it: changes_since() says from when on he has to look again, for what is
// learnt now may have happened a while ago. Not thread-safe.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "load_generator/api/instance_api.hpp"
#include "load_generator/live/traffic_counts.hpp"
#include "load_generator/load/event_dates.hpp"
#include "load_generator/record/disagreement.hpp"
#include "load_generator/record/run_record.hpp"
#include "load_generator/record/timeline.hpp"

namespace load {

struct WatchedFleet {
  std::vector<Target> targets;  // a name may be empty: not known yet
  std::string upstream;         // its URL
};

class LiveWindow {
 public:
  static constexpr Offset length = std::chrono::minutes(2);
  static constexpr size_t most_calls = 5000;
  static constexpr size_t most_transitions = 5000;

  LiveWindow(const WatchedFleet& fleet, int64_t started_at_epoch_ms);

  struct Instance {
    std::string url;
    bool answers = false;
    InstanceStatus status;     // by its last answer
    CallCounts earlier{};      // of its lives before this one: it counts anew in each
    CallCounts calls() const;  // in all of them, as far as somebody looked
  };
  struct Upstream {
    std::string url;
    bool answers = false;
    UpstreamFault fault;  // by its last answer, as the ledger
    Ledger ledger;
  };

  // What came at `now`, which never falls; nothing: no answer that makes sense. Returns whether somebody who looks on
  // should hear of it at once.
  bool take_status(size_t target, const Moment& moment, const std::optional<InstanceStatus>& status);
  bool take_fault(const std::optional<UpstreamFault>& fault);
  void take_ledger(Offset now, const std::optional<Ledger>& ledger);

  int64_t started_at_epoch_ms() const { return started_at_; }
  const Run& run() const { return run_; }  // its targets' names are unique; one that is not known is the URL
  const std::vector<Instance>& instances() const { return instances_; }
  const Upstream& upstream() const { return upstream_; }
  const LiveTraffic& traffic() const { return traffic_; }
  uint64_t edition() const { return edition_; }  // another in each window and process, and after each change of a name

  struct Sums {
    std::vector<std::vector<Sample>> lanes;
    std::vector<Mark> marks;
    uint64_t wasted = 0;  // since the beginning
    Offset disagreement{0};
    std::optional<Offset> disagreeing_for;  // without a pause
  };
  Sums sums(Offset now) const;

  uint64_t place() const { return place_; }
  Offset changes_since(uint64_t place) const;

 private:
  struct News {
    uint64_t place;
    Offset from;
  };

  void name_target(size_t target, const std::string& name);
  // Those that the last answer did not bring. From when on something is new.
  Offset take_transitions(size_t target, Offset now, const std::vector<ReportedTransition>& transitions);
  Offset take_calls(size_t target, Offset now, const std::vector<NotableCall>& calls);
  void note_change_from(Offset from);
  void tidy(Offset now);
  void thin_out(Offset until);
  bool is_quiet(Offset after, Offset until) const;  // no transition was reported of that time
  Offset calls_kept_from(Offset window) const;
  void settle_waste(const std::vector<Mark>& marks, Offset until);
  void settle_disagreement(const std::vector<std::vector<Sample>>& lanes, Offset until);
  void feed(Disagreement& disagreement, const std::vector<std::vector<Sample>>& lanes, Offset until) const;

  const int64_t started_at_;
  EventDates dates_;
  std::vector<Offset> heard_at_;  // by target: when it answered last
  Run run_;
  std::vector<Instance> instances_;
  Upstream upstream_;
  LiveTraffic traffic_;
  uint64_t edition_;
  uint64_t place_ = 0;
  std::deque<News> news_;
  Offset next_tidying_{0};
  Disagreement disagreement_;
  Offset disagreement_settled_{-1};  // what is later is still in the window
  uint64_t wasted_ = 0;
  Offset waste_settled_{-1};
};

}  // namespace load
