#include "distributed_breaker/reporting/call_report.hpp"

namespace cb {
namespace {

using json = nlohmann::ordered_json;

json attempt_json(const UpstreamAttempt& attempt) {
  json body{{"state", to_text(attempt.settled.state)},
            {"generation", attempt.permit.generation},
            {"probe", attempt.permit.probe != 0},
            {"late", attempt.settled.late}};
  if (attempt.upstream.http_status != 0) body["upstream_status"] = attempt.upstream.http_status;
  if (!attempt.upstream.error.empty()) body["error"] = attempt.upstream.error;
  return body;
}

json refusal_json(const CallReport& report, State state) {
  json body{{"state", to_text(state)}};
  if (report.status() == CallStatus::exception) {
    body["error"] = "the deadline was over before an attempt";
  } else {
    body["blocked_by"] = report.rejection ? "breaker" : "bulkhead";
    body["retry_after_ms"] = report.retry_after().count();
  }
  return body;
}

}  // namespace

CallStatus CallReport::status() const {
  if (reply) return reply->upstream.status;
  return end == CallEnd::deadline_over ? CallStatus::exception : CallStatus::blocked;
}

std::chrono::milliseconds CallReport::retry_after() const {
  return rejection ? rejection->retry_after : std::chrono::milliseconds(1);  // a slot may be freed at any moment
}

NotableCall CallReport::notable_call(const std::string& context, TimePoint now) const {
  NotableCall call{.context = context, .at = now, .status = status(), .upstream_calls = upstream_calls};
  if (!reply) return call;
  call.at = reply->sent;
  call.generation = reply->permit.generation;
  call.probe = reply->permit.probe != 0;
  call.late = reply->settled.late;
  return call;
}

json call_json(const CallReport& report, State known) {
  if (report.reply) return attempt_json(*report.reply);
  return refusal_json(report, report.rejection ? report.rejection->state : known);
}

}  // namespace cb
