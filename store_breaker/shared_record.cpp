#include "store_breaker/shared_record.hpp"

#include <algorithm>
#include <utility>

namespace cb {
namespace {

constexpr std::chrono::hours day{24};

bool is_counted(const Snapshot& snapshot, const Settle& ended) {
  return ended.permit == PermitId{snapshot.generation, 0} && ended.result.outcome != Outcome::ignored &&
         snapshot.mode != Mode::disabled;
}

bool is_clearing_due(const FailureCounts& counts, TimePoint now) {
  return counts.clear_at != TimePoint{} && now >= counts.clear_at;
}

bool is_evidence(const CallResult& result, const Policy& policy) {
  return result.outcome == Outcome::failure || (policy.slow_call_rate_threshold > 0 && is_slow(result, policy));
}

void note_failing_since(Record& record, const Settle& ended, TimePoint now) {
  const FailureCounts& counts = record.snapshot.counts;
  if (ended.result.outcome == Outcome::success) {
    record.failing_since = {};
  } else if (counts.failures == 0 || is_clearing_due(counts, now)) {
    record.failing_since = now;
  }
}

void add_reporter(Record& record, const Policy& policy, const std::string& instance, TimePoint now) {
  record.failing_since = std::min(record.failing_since, now);  // the clock may have been set back
  auto& reporters = record.reporters;
  std::erase_if(reporters, [&](const Reporter& each) { return each.instance == instance || each.at > now; });
  reporters.push_back({instance, now});
  const auto most = static_cast<size_t>(policy.minimum_reporting_instances);
  if (reporters.size() > most) reporters.erase(reporters.begin(), reporters.end() - static_cast<long>(most));
}

bool has_quorum(const Record& record, const Policy& policy, TimePoint since) {
  const auto reported = [&](const Reporter& each) { return each.at >= since; };
  return std::count_if(record.reporters.begin(), record.reporters.end(), reported) >=
         policy.minimum_reporting_instances;
}

// One instance with a broken network must not open the circuit for all: as long as too few others have seen a failure
// too, no threshold is reached.
Policy without_quorum(const Record& record, Policy policy, TimePoint now) {
  if (!has_quorum(record, policy, record.failing_since)) policy.failure_threshold = 0;
  if (!has_quorum(record, policy, now - policy.sliding_window_size)) {
    policy.minimum_number_of_calls = std::numeric_limits<int>::max();
  }
  return policy;
}

Reply settle_with_quorum(Record& record, const Policy& policy, const std::string& instance, const Settle& ended,
                         TimePoint now) {
  Transitions passed = apply(record.snapshot, policy, Tick{}, now).transitions;  // the call may be late by then
  const bool counts = is_counted(record.snapshot, ended);
  if (counts && is_clearing_due(record.snapshot.counts, now)) record.reporters.clear();
  if (counts) note_failing_since(record, ended, now);
  if (counts && is_evidence(ended.result, policy)) add_reporter(record, policy, instance, now);
  Reply reply = apply(record.snapshot, without_quorum(record, policy, now), ended, now);
  reply.transitions.insert(reply.transitions.begin(), passed.begin(), passed.end());
  if (record.snapshot.counts == FailureCounts{}) {
    record.reporters.clear();
    record.failing_since = {};
  }
  return reply;
}

void note_last_failure(Record& record, const Event& event, const Reply& reply, TimePoint now) {
  const auto* ended = std::get_if<Settle>(&event);
  if (ended == nullptr || ended->result.outcome != Outcome::failure || reply.kind != Reply::Kind::settled) return;
  if (record.snapshot.mode != Mode::disabled) record.last_failure = now;
}

void note_override(Record& record, const Event& event) {
  if (const auto* order = std::get_if<ApplyOverride>(&event)) record.active_override = order->override_;
  if (record.snapshot.mode == Mode::automatic) record.active_override = {};
}

}  // namespace

Reply apply(Record& record, const Policy& policy, const std::string& instance, const Event& event, TimePoint now) {
  const auto* ended = std::get_if<Settle>(&event);
  const bool needs_quorum = ended != nullptr && policy.minimum_reporting_instances > 1;
  Reply reply = needs_quorum ? settle_with_quorum(record, policy, instance, *ended, now)
                             : apply(record.snapshot, policy, event, now);
  note_last_failure(record, event, reply, now);
  note_override(record, event);
  return reply;
}

std::chrono::microseconds lifetime(const Snapshot& snapshot, const Policy& policy, TimePoint now) {
  if (snapshot.mode != Mode::automatic && snapshot.mode_until == TimePoint{}) return 31 * day;
  if (snapshot.mode != Mode::automatic) return snapshot.mode_until - now + day;
  return day + std::max<std::chrono::microseconds>(snapshot.break_length, policy.recovery_timeout) +
         policy.probe_timeout;
}

}  // namespace cb
