#include "load_generator/live/page_update.hpp"

#include <algorithm>

#include "load_generator/live/recent_history.hpp"
#include "load_generator/report/timeline_json.hpp"

namespace load {
namespace {

using json = nlohmann::ordered_json;

json to_json(const CallCounts& calls) {
  return {{"success", calls.success},
          {"failure", calls.failure},
          {"exception", calls.exception},
          {"blocked", calls.blocked}};
}

json to_json(const LedgerEntry& entry) {
  return {{"received", entry.received},
          {"success", entry.success},
          {"failure", entry.failure},
          {"hang", entry.hang},
          {"drop", entry.drop}};
}

json instance_json(const FleetSnapshot& snapshot, size_t target) {
  const ObservedInstance& instance = snapshot.instances[target];
  const InstanceStatus& status = instance.status;
  json entry{{"name", snapshot.targets[target].name},
             {"url", snapshot.targets[target].url},
             {"answers", instance.answers},
             {"breaker", status.breaker},
             {"state", to_text(instance.state())},
             {"store", status.store},
             {"store_error", status.store_error},
             {"view_age_ms", nullptr},
             {"generation", status.generation},
             {"failures", status.failures},
             {"retry_after_ms", status.retry_after_ms},
             {"late_results", status.late_results},
             {"override", status.override_mode},
             {"network_broken", snapshot.is_cut_off(target)},
             {"calls", to_json(status.calls)}};
  if (status.view_age_ms) entry["view_age_ms"] = *status.view_age_ms;
  return entry;
}

json instances_json(const FleetSnapshot& snapshot) {
  json entries = json::array();
  for (size_t i = 0; i < snapshot.instances.size(); ++i) entries.push_back(instance_json(snapshot, i));
  return entries;
}

json traffic_json(const TrafficCounts& traffic, Offset from) {
  json calls = json::array();
  json failures = json::array();
  json upstream_unanswered = json::array();
  json unanswered = json::array();
  json blocked = json::array();
  const size_t first = std::max(traffic.first_step(), static_cast<size_t>(from / TrafficCounts::step));
  for (size_t i = first - traffic.first_step(); i < traffic.steps().size(); ++i) {
    const TrafficCounts::Step& step = traffic.steps()[i];
    calls.push_back(step.upstream_calls);
    failures.push_back(step.upstream_failures);
    upstream_unanswered.push_back(step.upstream_unanswered);
    unanswered.push_back(step.unanswered);
    blocked.push_back(step.blocked);
  }
  return {{"step_ms", to_ms(TrafficCounts::step)},
          {"first_step", first},
          {"upstream_calls", calls},
          {"upstream_failures", failures},
          {"upstream_unanswered", upstream_unanswered},
          {"unanswered", unanswered},
          {"blocked", blocked}};
}

json fault_json(const UpstreamFault& fault) {
  json entry{{"failure_rate", fault.failure_rate},
             {"latency_ms", fault.latency_ms},
             {"hang_rate", fault.hang_rate},
             {"drop_rate", fault.drop_rate}};
  if (!fault.plan.empty()) entry["plan"] = fault.plan;
  entry["dropped_callers"] = fault.dropped_callers;
  return entry;
}

json upstream_json(const FleetSnapshot& snapshot) {
  const ObservedUpstream& upstream = snapshot.upstream;
  json callers = json::object();
  for (const auto& [caller, entry] : upstream.ledger) callers[caller] = to_json(entry);
  return {{"url", upstream.url},
          {"answers", upstream.answers},
          {"fault", fault_json(upstream.fault)},
          {"asked_ms", to_ms(upstream.asked)},
          {"ledger", {{"total", to_json(snapshot.received())}, {"callers", callers}}}};
}

json agreement_json(const FleetSnapshot& snapshot) {
  return {{"text", snapshot.agreement_text()},
          {"agree", !snapshot.disagreeing_for},
          {"disagreement_ms", to_ms(snapshot.disagreement)},
          {"disagreeing_for_ms", to_ms(snapshot.disagreeing_for.value_or(Offset(0)))}};
}

}  // namespace

json page_update(const FleetSnapshot& snapshot, Offset from) {
  return {{"from_ms", to_ms(from)},
          {"now_ms", to_ms(snapshot.now)},
          {"started_at_ms", snapshot.started_at_epoch_ms},
          {"window_ms", to_ms(RecentHistory::length)},
          {"instances", instances_json(snapshot)},
          {"states", states_json(snapshot.targets, snapshot.lanes, from)},
          {"transitions", transitions_json(snapshot.targets, snapshot.transitions, from)},
          {"marks", marks_json(snapshot.targets, snapshot.marks, from)},
          {"traffic", traffic_json(snapshot.traffic, from)},
          {"upstream", upstream_json(snapshot)},
          {"agreement", agreement_json(snapshot)},
          {"calls", to_json(snapshot.calls())},
          {"wasted", snapshot.wasted}};
}

}  // namespace load
