#include "load_generator/live/page_update.hpp"

#include <algorithm>
#include <string>

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

// The upstream knows it by its own name, which need not be that on the page.
bool is_cut_off(const InstanceStatus& status, const UpstreamFault& fault) {
  const auto& dropped = fault.dropped_callers;
  return !status.name.empty() && std::find(dropped.begin(), dropped.end(), status.name) != dropped.end();
}

json to_json(const std::string& name, const LiveWindow::Instance& instance, const UpstreamFault& fault) {
  const InstanceStatus& status = instance.status;
  json entry{{"name", name},
             {"url", instance.url},
             {"answers", instance.answers},
             {"breaker", status.breaker},
             {"state", to_text(instance.answers ? status.state : State::unknown)},
             {"store", status.store},
             {"store_error", status.store_error},
             {"view_age_ms", nullptr},
             {"generation", status.generation},
             {"failures", status.failures},
             {"retry_after_ms", status.retry_after_ms},
             {"late_results", status.late_results},
             {"override", status.override_mode},
             {"network_broken", is_cut_off(status, fault)},
             {"calls", to_json(status.calls)}};
  if (status.view_age_ms) entry["view_age_ms"] = *status.view_age_ms;
  return entry;
}

json instances_json(const LiveWindow& window) {
  json entries = json::array();
  for (size_t i = 0; i < window.instances().size(); ++i) {
    entries.push_back(to_json(window.run().targets[i].name, window.instances()[i], window.upstream().fault));
  }
  return entries;
}

json traffic_json(const LiveTraffic& traffic, Offset from) {
  json calls = json::array();
  json failures = json::array();
  json blocked = json::array();
  const size_t first = std::max(traffic.first_step(), static_cast<size_t>(from / LiveTraffic::step));
  for (size_t i = first - traffic.first_step(); i < traffic.steps().size(); ++i) {
    const LiveTraffic::Step& step = traffic.steps()[i];
    calls.push_back(step.upstream_calls);
    failures.push_back(step.upstream_failures);
    blocked.push_back(step.blocked);
  }
  return {{"step_ms", to_ms(LiveTraffic::step)},
          {"first_step", first},
          {"upstream_calls", calls},
          {"upstream_failures", failures},
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

json ledger_json(const Ledger& ledger) {
  LedgerEntry total;
  json callers = json::object();
  for (const auto& [caller, entry] : ledger) {
    callers[caller] = to_json(entry);
    total.received += entry.received;
    total.success += entry.success;
    total.failure += entry.failure;
    total.hang += entry.hang;
    total.drop += entry.drop;
  }
  return {{"total", to_json(total)}, {"callers", callers}};
}

json upstream_json(const LiveWindow::Upstream& upstream) {
  return {{"url", upstream.url},
          {"answers", upstream.answers},
          {"fault", fault_json(upstream.fault)},
          {"ledger", ledger_json(upstream.ledger)}};
}

std::string in_words(State state) { return state == State::half_open ? "half-open" : std::string(to_text(state)); }

// "2 open, 1 closed"
std::string standing(const std::vector<std::vector<Sample>>& lanes) {
  std::string text;
  for (const State state : {State::open, State::half_open, State::closed, State::unknown}) {
    const auto count = std::count_if(lanes.begin(), lanes.end(), [state](const auto& lane) {
      return (lane.empty() ? State::unknown : lane.back().state) == state;
    });
    if (count == 0) continue;
    const std::string what = state == State::unknown ? "without an answer" : in_words(state);
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + what;
  }
  return text;
}

json agreement_json(const LiveWindow::Sums& sums) {
  return {{"text", standing(sums.lanes)},
          {"agree", !sums.disagreeing_for},
          {"disagreement_ms", to_ms(sums.disagreement)},
          {"disagreeing_for_ms", to_ms(sums.disagreeing_for.value_or(Offset(0)))}};
}

CallCounts all_calls(const LiveWindow& window) {
  CallCounts sum;
  for (const LiveWindow::Instance& instance : window.instances()) {
    const CallCounts calls = instance.calls();
    sum.success += calls.success;
    sum.failure += calls.failure;
    sum.exception += calls.exception;
    sum.blocked += calls.blocked;
  }
  return sum;
}

}  // namespace

json live_frame(const LiveWindow& window, Offset now, Offset from) {
  const LiveWindow::Sums sums = window.sums(now);
  const std::vector<Target>& targets = window.run().targets;
  return {{"from_ms", to_ms(from)},
          {"now_ms", to_ms(now)},
          {"started_at_ms", window.started_at_epoch_ms()},
          {"window_ms", to_ms(LiveWindow::length)},
          {"instances", instances_json(window)},
          {"states", states_json(targets, sums.lanes, from)},
          {"transitions", transitions_json(window.run(), from)},
          {"marks", marks_json(targets, sums.marks, from)},
          {"traffic", traffic_json(window.traffic(), from)},
          {"upstream", upstream_json(window.upstream())},
          {"agreement", agreement_json(sums)},
          {"calls", to_json(all_calls(window))},
          {"wasted", sums.wasted}};
}

}  // namespace load
