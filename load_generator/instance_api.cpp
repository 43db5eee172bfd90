#include "load_generator/instance_api.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace load {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds control_timeout{2000};
constexpr size_t longest_name = 64;
constexpr size_t longest_cause = 200;
constexpr uint64_t most_upstream_calls = 1000;  // of one call

json parsed(const std::string& body) { return json::parse(body, nullptr, false); }

const json& member(const json& object, const char* name) {
  static const json none;
  const auto found = object.is_object() ? object.find(name) : object.end();
  return object.is_object() && found != object.end() ? *found : none;
}

std::string text_in(const json& object, const char* name) {
  const json& value = member(object, name);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::optional<uint64_t> count_if_in(const json& object, const char* name) {
  const json& value = member(object, name);
  return value.is_number_unsigned() ? std::optional(value.get<uint64_t>()) : std::nullopt;
}

uint64_t count_in(const json& object, const char* name) { return count_if_in(object, name).value_or(0); }

bool flag_in(const json& object, const char* name) {
  const json& value = member(object, name);
  return value.is_boolean() && value.get<bool>();
}

ReportedTransition read_transition(const json& entry) {
  return {count_in(entry, "generation"), state_from(text_in(entry, "from")), state_from(text_in(entry, "to")),
          printable(text_in(entry, "cause"), longest_cause), static_cast<int64_t>(count_in(entry, "at_ms"))};
}

LedgerEntry read_entry(const json& entry) {
  return {count_in(entry, "received"), count_in(entry, "success"), count_in(entry, "failure"), count_in(entry, "hang"),
          count_in(entry, "drop")};
}

program::HttpReply put(const std::string& url, const json& body) {
  return program::send({.method = "PUT",
                        .url = url,
                        .headers = {"Content-Type: application/json"},
                        .body = body.dump(-1, ' ', false, json::error_handler_t::replace),
                        .timeout = control_timeout});
}

std::string refusal(const program::HttpReply& reply) {
  if (reply.status == 0) return reply.error;
  return reply.body.empty() ? "HTTP " + std::to_string(reply.status) : printable(reply.body, longest_cause);
}

bool shares_its_breaker(const Target& target) {
  const auto status = read_status(
      program::send({.url = target.url + "/status", .headers = {}, .body = {}, .timeout = control_timeout}));
  return status && status->shared_breaker;
}

}  // namespace

Call read_call(const program::HttpReply& reply) {
  Call call;
  const json body = parsed(reply.body);
  const auto status = call_status_from(text_in(body, "status"));
  if (reply.status == 0 || !status) return call;
  call.status = *status;
  call.generation = count_in(body, "generation");
  call.probe = flag_in(body, "probe");
  call.late = flag_in(body, "late");
  call.refused_by_bulkhead = call.status == CallStatus::blocked && text_in(body, "blocked_by") == "bulkhead";
  const uint64_t upstream_calls = count_if_in(body, "upstream_calls").value_or(usual_upstream_calls(call.status));
  call.upstream_calls = std::min(upstream_calls, most_upstream_calls);
  return call;
}

std::optional<InstanceStatus> read_status(const program::HttpReply& reply) {
  const json body = parsed(reply.body);
  const json& breaker = member(body, "breaker");
  if (reply.status != 200 || !breaker.is_object()) return std::nullopt;
  InstanceStatus status;
  status.name = printable(text_in(body, "instance"), longest_name);
  status.state = state_from(text_in(breaker, "state"));
  status.shared_breaker = text_in(breaker, "store") != "memory";
  status.local = text_in(breaker, "store") == "local";
  status.probes_in_flight = static_cast<int>(std::min<uint64_t>(count_in(breaker, "probes_in_flight"), 1'000'000));
  status.would_have_tripped = count_if_in(breaker, "would_have_tripped");
  for (const json& entry : member(body, "transitions")) {
    const bool of_a_tenant = !text_in(entry, "context").empty();
    if (!of_a_tenant) status.transitions.push_back(read_transition(entry));
  }
  return status;
}

std::optional<Ledger> read_ledger(const std::string& body) {
  const json document = parsed(body);
  const json& callers = member(document, "callers");
  if (!callers.is_object()) return std::nullopt;
  Ledger ledger;
  for (const auto& [caller, entry] : callers.items()) ledger[printable(caller, longest_name)] = read_entry(entry);
  return ledger;
}

std::optional<Ledger> fetch_ledger(const std::string& upstream, std::chrono::milliseconds timeout) {
  const auto reply = program::send({.url = upstream + "/ledger", .headers = {}, .body = {}, .timeout = timeout});
  return reply.status == 200 ? read_ledger(reply.body) : std::nullopt;
}

Ledger difference(const Ledger& before, const Ledger& after) {
  Ledger result = after;
  for (const auto& [caller, old] : before) {
    const auto found = result.find(caller);
    if (found == result.end() || found->second.received < old.received) continue;
    LedgerEntry& entry = found->second;
    entry = {entry.received - old.received, entry.success - old.success, entry.failure - old.failure,
             entry.hang - old.hang, entry.drop - old.drop};
    if (entry.received == 0) result.erase(found);
  }
  return result;
}

void put_plan(const std::string& upstream, const std::string& plan) {
  const auto reply = put(upstream + "/fault", {{"plan", plan}});
  if (reply.status != 200) throw std::runtime_error("the upstream refuses the plan: " + refusal(reply));
}

void put_override(const std::vector<Target>& targets, const ManualOverride& manual_override) {
  const json body{{"mode", manual_override.mode}, {"actor", manual_override.actor}, {"reason", manual_override.reason}};
  for (const Target& target : targets) {
    const auto reply = put(target.url + "/breaker/override", body);
    if (reply.status != 200) throw std::runtime_error(target.name + " refuses the override: " + refusal(reply));
    if (shares_its_breaker(target)) return;
  }
}

std::string printable(const std::string& text, size_t most) {
  std::string result = text.substr(0, most);
  for (char& character : result) {
    if (static_cast<unsigned char>(character) < ' ' || character == 0x7f) character = ' ';
  }
  return result;
}

}  // namespace load
