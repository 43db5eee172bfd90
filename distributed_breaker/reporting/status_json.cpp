#include "distributed_breaker/reporting/status_json.hpp"

#include <algorithm>
#include <span>

#include "simple_breaker/policies/setting.hpp"

namespace cb {
namespace {

using json = nlohmann::ordered_json;

json to_number(std::chrono::milliseconds duration) { return duration.count(); }
json to_number(double share) { return share; }
json to_number(int count) { return count; }

template <class Struct>
json settings_json(const Struct& values, std::span<const Setting<Struct>> settings) {
  json all;
  for (const Setting<Struct>& setting : settings) {
    all[setting.json_name()] = std::visit([&](auto field) { return to_number(values.*field); }, setting.field);
  }
  return all;
}

double share(uint64_t part, uint64_t of) { return static_cast<double>(part) / static_cast<double>(of); }

json recent_json(const CallCounts& recent) {
  json counts{{"calls", recent.calls}, {"failures", recent.failures}, {"slow", recent.slow}};
  if (recent.calls == 0) return counts;
  counts["failure_rate"] = share(recent.failures, recent.calls);
  counts["slow_call_rate"] = share(recent.slow, recent.calls);
  return counts;
}

int64_t whole_ms(std::chrono::microseconds duration) {
  return std::max<int64_t>(0, std::chrono::floor<std::chrono::milliseconds>(duration).count());
}

json transition_json(const LoggedTransition& logged, TimePoint now) {
  json entry{{"from", to_text(logged.transition.from)},    {"to", to_text(logged.transition.to)},
             {"generation", logged.transition.generation}, {"cause", logged.transition.cause},
             {"at_ms", epoch_ms(logged.transition.at)},    {"age_ms", whole_ms(now - logged.transition.at)}};
  if (!logged.context.empty()) entry["context"] = logged.context;
  return entry;
}

json call_json(const NotableCall& call, TimePoint now) {
  json entry{{"number", call.number},
             {"at_ms", epoch_ms(call.at)},
             {"age_ms", whole_ms(now - call.at)},
             {"status", to_text(call.status)},
             {"generation", call.generation},
             {"probe", call.probe},
             {"late", call.late},
             {"upstream_calls", call.upstream_calls}};
  if (!call.context.empty()) entry["context"] = call.context;
  return entry;
}

json override_json(const DetailedStatus& status, TimePoint now) {
  const Override& active = status.active_override;
  json entry{{"mode", to_text(active.mode)}, {"actor", active.actor}, {"reason", active.reason}};
  if (!status.override_until) return entry;
  entry["expires_at_ms"] = epoch_ms(*status.override_until);
  entry["expires_in_ms"] = whole_ms(*status.override_until - now);
  return entry;
}

}  // namespace

int64_t epoch_ms(TimePoint at) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
}

void to_json(json& json, const Policy& policy) { json = settings_json(policy, settings()); }

void to_json(json& json, const CallPolicy& policy) {
  json = settings_json(policy, call_settings());
  json["fallback"] = to_text(policy.fallback);
  if (policy.fallback == Fallback::fixed) json["fallback_answer"] = policy.fallback_answer;
}

json transitions_json(const std::vector<LoggedTransition>& transitions, TimePoint now) {
  json list = json::array();
  for (const LoggedTransition& logged : transitions) list.push_back(transition_json(logged, now));
  return list;
}

json notable_calls_json(const std::vector<NotableCall>& calls, TimePoint now) {
  json list = json::array();
  for (const NotableCall& call : calls) list.push_back(call_json(call, now));
  return list;
}

json breaker_json(const std::string& name, const DetailedStatus& status, const Policy& policy, TimePoint now) {
  json breaker{{"name", name},
               {"state", to_text(status.state)},
               {"failures", status.failures},
               {"generation", status.generation},
               {"retry_after_ms", status.retry_after.count()},
               {"store", status.store.name},
               {"store_errors", status.store.errors},
               {"local_calls", status.store.local_calls},
               {"late_results", status.late_results},
               {"slow_calls", status.slow_calls},
               {"would_have_tripped", status.would_have_tripped},
               {"listener_errors", status.listener_errors}};
  if (!status.store.error.empty()) breaker["store_error"] = status.store.error;
  if (status.store.view_age) breaker["view_age_ms"] = status.store.view_age->count();
  if (policy.keeps_window()) breaker["recent"] = recent_json(status.recent);
  if (policy.minimum_reporting_instances > 1) breaker["open_locally"] = status.open_locally;
  if (status.active_override.mode != Mode::automatic) breaker["override"] = override_json(status, now);
  return breaker;
}

std::string dumped(const json& json) { return json.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace cb
