#include "distributed_breaker/service_instance.hpp"

#include <algorithm>
#include <chrono>

#include "distributed_breaker/reporting/override_json.hpp"
#include "distributed_breaker/reporting/settings_json.hpp"
#include "distributed_breaker/reporting/status_json.hpp"
#include "program/http/http_server.hpp"

namespace cb {
namespace {

using json = nlohmann::ordered_json;
using std::chrono::milliseconds;

constexpr std::array<int, 4> http_statuses{200, 502, 504, 503};  // by CallStatus
constexpr size_t most_open_shown = 20;

// Counts one while it lives.
class Counted {
 public:
  Counted(std::atomic<int>& count, bool counts) : count_(count), by_(counts ? 1 : 0) { count_ += by_; }
  ~Counted() { count_ -= by_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  std::atomic<int>& count_;
  const int by_;
};

void refuse(httplib::Response& response, int status, const std::string& why) {
  program::answer_json(response, status, dumped({{"error", why}}));
}

// What the server refuses by itself it refuses without a word.
void explain(const httplib::Request&, httplib::Response& response) {
  if (!response.body.empty()) return;
  const int status = response.status;
  refuse(response, status,
         status == 404   ? "there is no such route"
         : status == 413 ? "the body is too large"
                         : "the request was not understood");
}

AttemptEnd end_of(const UpstreamReply& reply) {
  if (reply.kind == UpstreamReply::Kind::success) return AttemptEnd::answered;
  // What is ignored is the caller's own mistake, and would be one again.
  return reply.outcome == Outcome::ignored && reply.http_status != 0 ? AttemptEnd::failed
                                                                     : AttemptEnd::failed_may_retry;
}

// Its body stands in ours as it came, once it is known to be JSON: taking it to pieces would need a stack as deep as it
// is nested, and a time that grows with the square of its fields.
std::string with_fallback(std::string body, const FallbackAnswer& fallback) {
  const std::string answer = json::accept(fallback.body) ? fallback.body : dumped(fallback.body);
  body.pop_back();
  return body + R"(,"fallback":{"answer":)" + answer + R"(,"age_ms":)" + std::to_string(fallback.age.count()) + "}}";
}

template <class Entry>
json list_json(const std::vector<Entry>& entries) {
  json list = json::array();
  for (const Entry& entry : entries) list.push_back(to_json(entry));
  return list;
}

TimePoint now() { return std::chrono::floor<TimePoint::duration>(std::chrono::system_clock::now()); }

// Whole seconds, rounded up, as the header wants them.
std::string in_seconds(milliseconds wait) {
  return std::to_string(std::chrono::ceil<std::chrono::seconds>(wait).count());
}

}  // namespace

// An attempt: refused by the breaker, or what the upstream said and what the breaker made of it.
struct ServiceInstance::MadeCall {
  std::optional<Rejection> rejection{};
  TimePoint sent{};
  UpstreamReply upstream{};
  PermitId permit{};
  Settled settled{};
};

ServiceInstance::ServiceInstance(InstanceSettings settings, InstanceParts parts)
    : settings_(std::move(settings)), parts_(parts), guarded_(settings_.call_policy, settings_.call_timeout) {}

void ServiceInstance::add_routes(httplib::Server& server) {
  server.set_error_handler(explain);
  server.Get("/call", [this](const auto& request, auto& response) {
    if (request.method == "GET") return call(request, response);
    refuse(response, 405, "only GET makes a call");  // the library takes a HEAD for a GET
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

// Whom the request is for, empty for nobody in particular; nothing, and the answer, where that is no name.
std::optional<std::string> ServiceInstance::tenant_of(const httplib::Request& request,
                                                      httplib::Response& response) const {
  if (!request.has_param("tenant")) return "";
  std::string tenant = request.get_param_value("tenant");
  if (parts_.breakers.is_valid_context(tenant)) return tenant;
  refuse(response, 400, "tenant is '" + tenant.substr(0, 128) + "'; use 1 to 128 of A-Z a-z 0-9 _ - . /");
  return std::nullopt;
}

void ServiceInstance::call(const httplib::Request& request, httplib::Response& response) {
  const auto tenant = tenant_of(request, response);
  if (!tenant) return;
  const auto breaker = parts_.breakers.at(*tenant);
  const auto begun = std::chrono::steady_clock::now();
  int upstream_calls = 0;
  const Reply reply = guarded_.run([&](milliseconds at_most) { return attempt(*breaker, at_most, upstream_calls); });
  const auto took = std::chrono::steady_clock::now() - begun;
  note_if_notable(context_of(*tenant, *breaker), reply, upstream_calls);
  answer(*breaker, reply, upstream_calls, std::chrono::duration_cast<std::chrono::microseconds>(took), response);
}

Attempt<ServiceInstance::MadeCall> ServiceInstance::attempt(ManagedBreaker& breaker, milliseconds at_most,
                                                            int& upstream_calls) {
  Admission admission = breaker.acquire();
  if (const auto* rejection = std::get_if<Rejection>(&admission)) {
    return {AttemptEnd::refused, {.rejection = *rejection}};
  }
  Permit& permit = std::get<Permit>(admission);
  const Counted probe(probes_in_flight_, permit.is_probe());
  if (permit.is_probe()) parts_.metrics.count_probe();
  const TimePoint sent = now();
  UpstreamReply reply = parts_.upstream.call(at_most);
  upstream_calls += reply.sent ? 1 : 0;
  const Settled settled = permit.settle(outcome_of(reply, at_most));
  const AttemptEnd end = end_of(reply);
  std::string body = reply.body;
  return {end, {{}, sent, std::move(reply), permit.id(), settled}, std::move(body)};
}

// An attempt that waiting and earlier attempts left less than half of its time for, and that ran out of it, says
// nothing about the upstream. With half or more it was slow enough: else a hung upstream behind a queue would never be
// found out.
Outcome ServiceInstance::outcome_of(const UpstreamReply& reply, milliseconds at_most) const {
  const milliseconds deadline = settings_.call_policy.deadline;
  const milliseconds whole = deadline.count() > 0 ? std::min(deadline, settings_.call_timeout) : settings_.call_timeout;
  const bool cut_short = reply.timed_out && at_most < whole / 2;
  return cut_short ? Outcome::ignored : reply.outcome;
}

void ServiceInstance::answer(const ManagedBreaker& breaker, const Reply& reply, int upstream_calls,
                             std::chrono::microseconds took, httplib::Response& response) {
  const CallStatus status = status_of(reply);
  ++calls_[static_cast<size_t>(status)];
  parts_.metrics.count_call(status, took);
  json body{{"instance", settings_.name}, {"status", to_text(status)}, {"upstream_calls", upstream_calls}};
  const bool was_made = reply.reply && !reply.reply->rejection;
  body.update(was_made ? made_json(*reply.reply) : refused_json(reply, breaker.known_state()));
  if (settings_.call_policy != CallPolicy{}) {
    body.update(json{{"attempts", reply.course.attempts}, {"ended", to_text(reply.course.end)}});
  }
  if (status == CallStatus::blocked) response.set_header("Retry-After", in_seconds(retry_after(reply)));
  if (reply.fallback) return program::answer_json(response, 200, with_fallback(dumped(body), *reply.fallback));
  program::answer_json(response, http_statuses[static_cast<size_t>(status)], dumped(body));
}

void ServiceInstance::note_if_notable(const std::string& context, const Reply& reply, int upstream_calls) {
  const CallStatus status = status_of(reply);
  if (!reply.reply) return notable_calls_.note({.context = context, .at = now(), .status = status});
  const MadeCall& made = *reply.reply;
  notable_calls_.note(
      {context, made.sent, status, made.permit.generation, made.permit.probe != 0, made.settled.late, upstream_calls});
}

// Blocked means that nothing was sent; a call whose deadline passed in the queue had no answer in time.
CallStatus ServiceInstance::status_of(const Reply& reply) {
  if (!reply.reply) return reply.course.end == CallEnd::deadline_over ? CallStatus::exception : CallStatus::blocked;
  return reply.reply->rejection ? CallStatus::blocked : static_cast<CallStatus>(reply.reply->upstream.kind);
}

milliseconds ServiceInstance::retry_after(const Reply& reply) {
  return reply.reply ? reply.reply->rejection->retry_after : milliseconds(1);  // a slot may be free any moment
}

json ServiceInstance::refused_json(const Reply& reply, State state) {
  if (reply.reply) state = reply.reply->rejection->state;
  json body{{"state", to_text(state)}};
  if (status_of(reply) == CallStatus::exception) {
    body["error"] = "the deadline was over before an attempt";
  } else {
    body["blocked_by"] = reply.reply ? "breaker" : "bulkhead";
    body["retry_after_ms"] = retry_after(reply).count();
  }
  return body;
}

json ServiceInstance::made_json(const MadeCall& made) {
  json body{{"state", to_text(made.settled.state)},
            {"generation", made.permit.generation},
            {"probe", made.permit.probe != 0},
            {"late", made.settled.late}};
  if (made.upstream.http_status != 0) body["upstream_status"] = made.upstream.http_status;
  if (!made.upstream.error.empty()) body["error"] = made.upstream.error;
  return body;
}

void ServiceInstance::status(const httplib::Request& request, httplib::Response& response) {
  const auto tenant = tenant_of(request, response);
  if (!tenant) return;
  const auto breaker = parts_.breakers.at(*tenant);
  json calls;
  for (const CallStatus status :
       {CallStatus::success, CallStatus::failure, CallStatus::exception, CallStatus::blocked}) {
    calls[std::string(to_text(status))] = calls_[static_cast<size_t>(status)].load();
  }
  json open = json::array();
  parts_.breakers.for_each_open(most_open_shown, [&](const std::string& context, const auto&) {
    if (!context.empty()) open.push_back(context);
  });
  const BreakerCounts counts = parts_.breakers.counts();
  const json body{
      {"instance", settings_.name},
      {"breaker", breaker_json(*tenant, *breaker)},
      {"breakers",
       {{"max_breakers", settings_.max_breakers}, {"all", counts.all}, {"open", counts.open}, {"open_contexts", open}}},
      {"policy", to_json(settings_.policy, cb::settings())},
      {"call", call_json()},
      {"calls", calls},
      {"transitions", list_json(parts_.transitions.transitions())},
      {"notable_calls", list_json(notable_calls_.calls())}};
  program::answer_json(response, 200, dumped(body));
}

std::string ServiceInstance::context_of(const std::string& tenant, const ManagedBreaker& breaker) const {
  const bool common = &breaker == &parts_.breakers.common();  // which is who has no room for one of its own shares
  return common ? "" : tenant;
}

json ServiceInstance::breaker_json(const std::string& tenant, ManagedBreaker& breaker) {
  const Identity identity{settings_.breaker_name, context_of(tenant, breaker)};
  json body = to_json(identity.full(), breaker.detailed_status(), settings_.policy);
  body["probes_in_flight"] = probes_in_flight_.load();
  return body;
}

json ServiceInstance::call_json() const {
  json call{{"call_timeout_ms", settings_.call_timeout.count()},
            {"failure_status", settings_.failure_status.to_text()}};
  call.update(to_json(settings_.call_policy));
  call["running"] = guarded_.bulkhead().running;
  call["queued"] = guarded_.bulkhead().queued;
  return call;
}

void ServiceInstance::apply_override(const httplib::Request& request, httplib::Response& response) {
  if (!parts_.admin.admit(request, response)) return;
  const auto order = read_order(request.body);
  if (const auto* fault = std::get_if<std::string>(&order)) return refuse(response, 400, *fault);
  const auto tenant = tenant_of(request, response);
  if (!tenant) return;
  const auto breaker = parts_.breakers.at(*tenant);
  if (!tenant->empty() && breaker.get() == &parts_.breakers.common()) {
    return refuse(response, 409, "this tenant has no breaker of its own: there is no room for one (max_breakers)");
  }
  const auto& [wanted, lasts] = std::get<Order>(order);
  const std::string fault = breaker->apply_override(wanted, lasts);
  if (!fault.empty()) return refuse(response, 503, fault);
  json body = breaker_json(*tenant, *breaker);
  body["shared"] = body["store"] != "memory";
  program::answer_json(response, 200, dumped(body));
}

}  // namespace cb
