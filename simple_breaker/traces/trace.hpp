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
  virtual Decision admit(TimePoint now) = 0;
  virtual Settlement settle(const PermitId& permit, const CallResult& result, TimePoint now) = 0;
  virtual Settlement settle_successes(const PermitId& permit, uint64_t times, TimePoint now) = 0;
  virtual Transitions apply_override(const Override& override_, std::chrono::milliseconds lasts, TimePoint now) = 0;
  virtual Transitions report_health(Health health, TimePoint now) = 0;
  virtual Transitions tick(TimePoint now) = 0;
  virtual Snapshot snapshot() = 0;
};

// The implementation in state_machine.cpp.
class LocalTable final : public Table {
 public:
  LocalTable(const Policy& policy, TimePoint now) : policy_(policy), snapshot_(closed_snapshot(now)) {}
  Decision admit(TimePoint now) override { return cb::admit(snapshot_, policy_, now); }
  Settlement settle(const PermitId& permit, const CallResult& result, TimePoint now) override {
    return cb::settle(snapshot_, policy_, permit, result, now);
  }
  // As a CircuitBreaker counts them: the table opens the bucket, and its fast path adds to that.
  Settlement settle_successes(const PermitId& permit, uint64_t times, TimePoint now) override {
    Settlement settlement = cb::settle(snapshot_, policy_, permit, {Outcome::success}, now);
    const bool counts = !settlement.late && policy_.keeps_window() && snapshot_.mode != Mode::disabled;
    if (counts) add(snapshot_.counts.window, {times - 1, 0, 0});
    return settlement;
  }
  Transitions apply_override(const Override& override_, std::chrono::milliseconds lasts, TimePoint now) override {
    return cb::apply_override(snapshot_, policy_, override_, lasts, now);
  }
  Transitions report_health(Health health, TimePoint now) override {
    return cb::report_health(snapshot_, policy_, health, now);
  }
  Transitions tick(TimePoint now) override { return cb::tick(snapshot_, policy_, now); }
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

// The result of an event, as traces write it.
std::string to_text(const Decision& decision, const Snapshot& after);
std::string to_text(const Settlement& settlement, const Snapshot& after);

}  // namespace cb
