// Golden traces: what a breaker does, event by event, as text that people read and tests replay against every
// implementation of the transition table. A line is TIME, an event, "->" and its expected result; `#` is a comment.
//   a acquires | a succeeds | a fails | a is ignored    ("in 300ms" may follow: how long the call took)
//   a succeeds 99 times                                 (99 calls with the permit of a: a batch of successes)
//   ann requests forced_open                            ("for 500ms" may follow)
//   upstream is up | upstream is down                   (what its health route answers)
//   ann looks                                           (at the status; time may have changed it)
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "simple_breaker/state_machine.hpp"

namespace cb {

// An implementation of the transition table.
class Table {
 public:
  virtual ~Table() = default;
  virtual Reply apply(const Event& event, TimePoint now) = 0;
  virtual Snapshot snapshot() = 0;
};

// The implementation in state_machine.cpp.
class LocalTable final : public Table {
 public:
  LocalTable(const Policy& policy, TimePoint now) : policy_(policy), snapshot_(closed_snapshot(now)) {}
  Reply apply(const Event& event, TimePoint now) override { return cb::apply(snapshot_, policy_, event, now); }
  Snapshot snapshot() override { return snapshot_; }

 private:
  const Policy policy_;
  Snapshot snapshot_;
};

// The same trace with the results of `table`: equal to `trace` if the table behaves as the trace says.
// Throws std::invalid_argument that quotes an unknown event.
std::string replay(const std::string& trace, Table& table);

// The policy line of a trace: NAME=VALUE each; omitted settings have their defaults.
Policy policy_of(const std::string& trace);

struct NamedTrace {
  std::string name;
  std::string text;
};

// Every *.trace file of a folder, by name.
std::vector<NamedTrace> read_traces(const std::string& folder);

}  // namespace cb
