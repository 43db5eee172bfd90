#include "distributed_breaker/service_instance.hpp"

#include <algorithm>

#include "distributed_breaker/reporting/override_json.hpp"
#include "distributed_breaker/reporting/status_json.hpp"
#include "distributed_breaker/resilience/call_policy_options.hpp"
#include "program/http/http_server.hpp"
#include "program/log.hpp"
#include "program/text.hpp"

namespace cb {
namespace {

using json = nlohmann::ordered_json;
using std::chrono::milliseconds;

constexpr std::array<int, 4> http_statuses{200, 502, 504, 503};  // by CallStatus
constexpr size_t most_open_shown = 20;

void refuse(httplib::Response& response, int status, const std::string& why) {
  program::answer_json(response, status, dumped({{"error", why}}));
}

AttemptEnd end_of(const UpstreamReply& reply) {
  if (reply.status == CallStatus::success) return AttemptEnd::answered;
  // An ignored status, such as 404, is the caller's mistake: a retry would get the same answer. A local cause asks for
  // less work here, not for more.
  const bool mistake = reply.outcome == Outcome::ignored && reply.http_status != 0;
  return mistake || reply.local_cause ? AttemptEnd::failed : AttemptEnd::failed_may_retry;
}

// Inserts the fallback's JSON text unparsed: parsing would need a stack as deep as the text is nested, and a time that
// grows with the square of its fields.
std::string with_fallback(std::string body, const FallbackAnswer& fallback) {
  const std::string answer = is_json(fallback.body) ? fallback.body : dumped(fallback.body);
  body.pop_back();
  return body + R"(,"fallback":{"answer":)" + answer + R"(,"age_ms":)" + std::to_string(fallback.age.count()) + "}}";
}

std::shared_ptr<ManagedBreaker> to_use(BreakerRegistry& breakers, const std::string& context) {
  return breakers.at(context);
}
std::shared_ptr<ManagedBreaker> to_read(BreakerRegistry& breakers, const std::string& context) {
  return breakers.to_read(context);
}

// Whole seconds, rounded up.
std::string to_header(milliseconds retry_after) {
  return std::to_string(std::chrono::ceil<std::chrono::seconds>(retry_after).count());
}

}  // namespace

ServiceInstance::ServiceInstance(InstanceSettings settings, InstanceParts parts)
    : settings_(std::move(settings)),
      parts_(std::move(parts)),
      attempt_timeout_(settings_.call_policy.deadline.count() > 0
                           ? std::min(settings_.call_policy.deadline, settings_.call_timeout)
                           : settings_.call_timeout),
      guarded_(settings_.call_policy, settings_.call_timeout) {}

void ServiceInstance::add_routes(program::HttpServer& server) {
  server.reserve_workers_for({"/status", "/breaker/override", "/health", "/metrics"});
  server.Get("/call", [this](const auto& request, auto& response) {
    if (request.method == "GET") return call(request, response);
    refuse(response, 405, "only GET makes a call");  // the library routes a HEAD here too
  });
  server.Get("/status", [this](const auto& request, auto& response) { status(request, response); });
  server.Put("/breaker/override", [this](const auto& request, auto& response) { apply_override(request, response); });
  server.Get("/health", [](const httplib::Request&, httplib::Response& response) {
    program::answer_json(response, 200, R"({"status":"ok"})");
  });
  server.Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
    const std::string text = parts_.metrics.text(parts_.breakers.common().detailed_status(), parts_.breakers.counts());
    response.set_content(text, Metrics::content_type);
  });
}

std::optional<ServiceInstance::Target> ServiceInstance::target_of(const httplib::Request& request,
                                                                  httplib::Response& response, Lookup lookup) const {
  if (!request.has_param("tenant")) return Target{"", "", lookup(parts_.breakers, "")};
  const std::string tenant = request.get_param_value("tenant");
  if (!is_valid_context(tenant)) {
    refuse(response, 400,
           "tenant is '" + program::shortened(tenant, 128) + "'; use 1 to 128 of A-Z a-z 0-9 _ - . / : [ ]");
    return std::nullopt;
  }
  const auto breaker = lookup(parts_.breakers, tenant);
  return Target{tenant, breaker.get() == &parts_.breakers.common() ? "" : tenant, breaker};
}

void ServiceInstance::call(const httplib::Request& request, httplib::Response& response) {
  const auto target = target_of(request, response, to_use);
  if (!target) return;
  const CallReport report = call(*target, [this](milliseconds timeout) { return parts_.upstream.call(timeout); });
  const Answer answer = answer_to(report, target->breaker->known_state());
  if (!answer.retry_after.empty()) response.set_header("Retry-After", answer.retry_after);
  program::answer_json(response, answer.http_status, answer.body);
}

CallReport ServiceInstance::call(const Send& send) { return call({"", "", parts_.breakers.at("")}, send); }

CallReport ServiceInstance::call(const Target& target, const Send& send) {
  ManagedBreaker& breaker = *target.breaker;
  const auto start = std::chrono::steady_clock::now();
  int upstream_calls = 0;
  auto reply = guarded_.run([&](milliseconds timeout) { return attempt(breaker, send, timeout, upstream_calls); },
                            {target.tenant, [&](milliseconds wait) { return breaker.early_rejection(wait); }});
  const auto took = std::chrono::steady_clock::now() - start;
  CallReport report{std::move(reply), upstream_calls};
  ++calls_[static_cast<size_t>(report.status())];
  parts_.metrics.count_call(report.status(), took);
  if (report.fallback) parts_.metrics.count_fallback();
  notable_calls_.record(report.notable_call(target.context, parts_.clock()));
  return report;
}

AttemptOutcome<UpstreamAttempt> ServiceInstance::attempt(ManagedBreaker& breaker, const Send& send,
                                                         milliseconds timeout, int& upstream_calls) {
  Admission admission = breaker.acquire();
  if (const auto* rejection = std::get_if<Rejection>(&admission)) return *rejection;
  Permit& permit = std::get<Permit>(admission);
  const int probes = permit.is_probe() ? 1 : 0;
  if (permit.is_probe()) parts_.metrics.count_probe();
  probes_in_flight_ += probes;
  const TimePoint sent = parts_.clock();
  UpstreamReply reply = send(timeout);
  upstream_calls += reply.sent ? 1 : 0;
  const Settled settled = permit.settle(outcome_of(reply, timeout, attempt_timeout_));
  probes_in_flight_ -= probes;
  std::string body = std::move(reply.body);
  const AttemptEnd end = end_of(reply);
  return AttemptResult<UpstreamAttempt>{end, {sent, std::move(reply), permit.id(), settled}, std::move(body)};
}

ServiceInstance::Answer ServiceInstance::answer_to(const CallReport& report) const {
  return answer_to(report, parts_.breakers.common().known_state());
}

ServiceInstance::Answer ServiceInstance::answer_to(const CallReport& report, State known) const {
  const CallStatus status = report.status();
  json body{{"instance", settings_.name}, {"status", to_text(status)}, {"upstream_calls", report.upstream_calls}};
  body.update(call_json(report, known));
  if (settings_.call_policy != CallPolicy{}) {
    body["attempts"] = report.attempts;
    body["ended"] = to_text(report.end);
  }
  const std::string retry_after = status == CallStatus::blocked ? to_header(report.retry_after()) : "";
  if (report.fallback) return {200, retry_after, with_fallback(dumped(body), *report.fallback)};
  return {http_statuses[static_cast<size_t>(status)], retry_after, dumped(body)};
}

void ServiceInstance::status(const httplib::Request& request, httplib::Response& response) {
  const auto target = target_of(request, response, to_read);
  if (!target) return;
  json calls;
  for (const CallStatus status : call_statuses) {
    calls[std::string(to_text(status))] = calls_[static_cast<size_t>(status)].load();
  }
  const TimePoint now = parts_.clock();
  const json body{{"instance", settings_.name},
                  {"at_ms", epoch_ms(now)},
                  {"breaker", breaker_json_of(*target)},
                  {"breakers", breakers_json()},
                  {"policy", settings_.policy},
                  {"call", call_settings_json()},
                  {"calls", calls},
                  {"log_lines_dropped", program::log_lines_dropped()},
                  {"transitions", transitions_json(parts_.transitions.transitions(), now)},
                  {"notable_calls", notable_calls_json(notable_calls_.calls(), now)}};
  program::answer_json(response, 200, dumped(body));
}

json ServiceInstance::breaker_json_of(const Target& target) const {
  const std::string name = Identity{settings_.breaker_name, target.context}.full();
  json body = breaker_json(name, target.breaker->detailed_status(), settings_.policy, parts_.clock());
  if (!target.context.empty()) body["context"] = target.context;
  body["probes_in_flight"] = probes_in_flight_.load();
  body["local_errors"] = parts_.local_errors.count();
  return body;
}

json ServiceInstance::breakers_json() const {
  json open = json::array();
  parts_.breakers.for_each_open(most_open_shown, [&](const std::string& context, const auto&) {
    if (!context.empty()) open.push_back(context);
  });
  const BreakerCounts counts = parts_.breakers.counts();
  return {
      {"max_breakers", settings_.max_breakers}, {"all", counts.all}, {"open", counts.open}, {"open_contexts", open}};
}

json ServiceInstance::call_settings_json() const {
  json call{{"call_timeout_ms", settings_.call_timeout.count()},
            {"failure_status", settings_.failure_status.to_text()}};
  call.update(json(settings_.call_policy));
  call["running"] = guarded_.bulkhead().running;
  call["queued"] = guarded_.bulkhead().queued;
  return call;
}

void ServiceInstance::apply_override(const httplib::Request& request, httplib::Response& response) {
  if (!parts_.admin.admit(request, response)) return;
  const auto wanted = parse_override(request.body);
  if (const auto* fault = std::get_if<std::string>(&wanted)) return refuse(response, 400, *fault);
  const auto target = target_of(request, response, to_use);
  if (!target) return;
  if (request.has_param("tenant") && target->context.empty()) {
    return refuse(response, 409, "this tenant shares the common breaker: there is no room for its own (max_breakers)");
  }
  const auto& [override_, lasts] = std::get<OverrideRequest>(wanted);
  const std::string fault = target->breaker->apply_override(override_, lasts);
  if (!fault.empty()) return refuse(response, 503, fault);
  json body = breaker_json_of(*target);
  body["shared"] = body["store"] != "memory";
  program::answer_json(response, 200, dumped(body));
}

}  // namespace cb
