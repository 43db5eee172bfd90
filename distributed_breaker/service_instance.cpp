#include "distributed_breaker/service_instance.hpp"

#include <chrono>

#include "program/http_server.hpp"

namespace cb {
namespace {

using json = nlohmann::ordered_json;

constexpr std::array<const char*, 4> status_names{"success", "failure", "exception", "blocked"};
constexpr std::array<int, 4> http_statuses{200, 502, 504, 503};

int64_t epoch_ms(TimePoint at) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
}

json to_json(const Policy& policy) {
  return {{"failure_threshold", policy.failure_threshold},
          {"recovery_timeout_ms", policy.recovery_timeout.count()},
          {"permitted_calls_in_half_open", policy.permitted_calls_in_half_open},
          {"success_threshold", policy.success_threshold},
          {"probe_timeout_ms", policy.probe_timeout.count()}};
}

json to_json(const Transition& transition) {
  return {{"from", to_text(transition.from)},
          {"to", to_text(transition.to)},
          {"generation", transition.generation},
          {"cause", transition.cause},
          {"at_ms", epoch_ms(transition.at)}};
}

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

}  // namespace

ServiceInstance::ServiceInstance(InstanceIdentity identity, Breaker& breaker, const UpstreamClient& upstream,
                                 const TransitionLog& transitions)
    : identity_(std::move(identity)), breaker_(breaker), upstream_(upstream), transitions_(transitions) {}

void ServiceInstance::add_routes(httplib::Server& server) {
  server.Get("/call", [this](const httplib::Request&, httplib::Response& response) { call(response); });
  server.Get("/status", [this](const httplib::Request&, httplib::Response& response) {
    program::answer_json(response, 200, status().dump(-1, ' ', false, json::error_handler_t::replace));
  });
  server.Get("/health", [](const httplib::Request&, httplib::Response& response) {
    program::answer_json(response, 200, R"({"status":"ok"})");
  });
}

void ServiceInstance::call(httplib::Response& response) {
  Admission admission = breaker_.acquire();
  if (const auto* rejection = std::get_if<Rejection>(&admission)) return refuse(*rejection, response);
  make_call(std::get<Permit>(std::move(admission)), response);
}

void ServiceInstance::make_call(Permit permit, httplib::Response& response) {
  const Counted probe(probes_in_flight_, permit.is_probe());
  const UpstreamReply reply = upstream_.call();
  const Settled settled = permit.settle(outcome_of(reply.kind));
  const auto status = static_cast<size_t>(reply.kind);
  ++calls_[status];
  json body{{"instance", identity_.name},
            {"status", status_names[status]},
            {"state", to_text(settled.state)},
            {"generation", permit.id().generation},
            {"probe", permit.is_probe()},
            {"late", settled.late},
            {"upstream_calls", reply.sent ? 1 : 0}};
  if (reply.http_status != 0) body["upstream_status"] = reply.http_status;
  if (!reply.error.empty()) body["error"] = reply.error;
  program::answer_json(response, http_statuses[status], body.dump());
}

void ServiceInstance::refuse(const Rejection& rejection, httplib::Response& response) {
  ++calls_[blocked];
  const json body{{"instance", identity_.name},
                  {"status", status_names[blocked]},
                  {"state", to_text(rejection.state)},
                  {"retry_after_ms", rejection.retry_after.count()}};
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(rejection.retry_after);
  response.set_header("Retry-After", std::to_string(seconds.count()));
  program::answer_json(response, http_statuses[blocked], body.dump());
}

nlohmann::ordered_json ServiceInstance::status() {
  const Status breaker = breaker_.status();
  json calls;
  for (size_t status = 0; status < calls_.size(); ++status) calls[status_names[status]] = calls_[status].load();
  json transitions = json::array();
  for (const Transition& transition : transitions_.transitions()) transitions.push_back(to_json(transition));
  return {{"instance", identity_.name},
          {"breaker",
           {{"name", identity_.breaker},
            {"state", to_text(breaker.state)},
            {"failures", breaker.failures},
            {"generation", breaker.generation},
            {"retry_after_ms", breaker.retry_after.count()},
            {"store", breaker.store},
            {"store_errors", breaker.store_errors},
            {"unprotected_calls", breaker.unprotected_calls},
            {"late_results", breaker.late_results},
            {"probes_in_flight", probes_in_flight_.load()}}},
          {"policy", to_json(identity_.policy)},
          {"calls", calls},
          {"transitions", transitions}};
}

}  // namespace cb
