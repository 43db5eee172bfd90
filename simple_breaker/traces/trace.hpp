// Golden traces: stories of a breaker as text that people read and tests replay, against every implementation of the
// transition table. A line is TIME, who does what, then "->" and what must come of it; `#` is a comment.
//   a acquires | a succeeds | a fails | a is ignored    ("in 300ms" may follow: how long the call took)
//   ann orders forced_open                              ("for 500ms" may follow)
//   upstream is well | upstream is ill                  (what its health route says)
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "simple_breaker/state_machine.hpp"

namespace cb {

// Whatever claims to behave as the transition table does.
class Table {
 public:
  virtual ~Table() = default;
  virtual Decision admit(TimePoint now) = 0;
  virtual Settlement settle(const PermitId& permit, const CallResult& result, TimePoint now) = 0;
  virtual std::optional<Transition> apply_override(const Override& order, std::chrono::milliseconds lasts,
                                                   TimePoint now) = 0;
  virtual std::optional<Transition> report_health(Health health, TimePoint now) = 0;
  virtual Snapshot tick() = 0;
};

// The one of state_machine.cpp.
class LocalTable final : public Table {
 public:
  LocalTable(const Policy& policy, TimePoint now) : policy_(policy), snapshot_(closed_snapshot(now)) {}
  Decision admit(TimePoint now) override { return cb::admit(snapshot_, policy_, now); }
  Settlement settle(const PermitId& permit, const CallResult& result, TimePoint now) override {
    return cb::settle(snapshot_, policy_, permit, result, now);
  }
  std::optional<Transition> apply_override(const Override& order, std::chrono::milliseconds lasts,
                                           TimePoint now) override {
    return cb::apply_override(snapshot_, order, lasts, now);
  }
  std::optional<Transition> report_health(Health health, TimePoint now) override {
    return cb::report_health(snapshot_, health, now);
  }
  Snapshot tick() override { return snapshot_; }

 private:
  const Policy policy_;
  Snapshot snapshot_;
};

// The same trace with the answers that `table` gives: equal to `trace` where the table behaves as it says.
// Throws std::invalid_argument that quotes a line it cannot read.
std::string replay(const std::string& trace, Table& table);

// The policy line of a trace: NAME=VALUE each, those that it leaves out by default.
Policy policy_of(const std::string& trace);

struct NamedTrace {
  std::string name;
  std::string text;
};

// Every *.trace file of a folder, by name.
std::vector<NamedTrace> read_traces(const std::string& folder);

// What came of an event, as traces say it.
std::string to_text(const Decision& decision, const Snapshot& after);
std::string to_text(const Settlement& settlement, const Snapshot& after);

}  // namespace cb
