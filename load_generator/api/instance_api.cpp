#include "load_generator/api/instance_api.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string_view>
#include <tuple>

#include "load_generator/record/text.hpp"
#include "program/text.hpp"

namespace load {
namespace {

using Foreign = nlohmann::json;  // its objects are maps: what others send may have any number of fields

constexpr std::chrono::milliseconds control_timeout{8000};
constexpr size_t longest_name = 64;
constexpr size_t longest_cause = 200;
constexpr size_t longest_breaker_name = 400;  // its own and a tenant's
constexpr size_t longest_word = 32;
constexpr size_t most_entries = 1000;            // of any list
constexpr size_t most_callers = 1000;            // of a ledger, as many as the lab's upstream keeps; and "(others)"
constexpr uint64_t most_upstream_calls = 1000;   // of one call
constexpr uint64_t largest_number = 1ULL << 53;  // beyond it readers of JSON lose digits
constexpr uint64_t latest_time = 1ULL << 50;     // epoch ms: some 35,000 years from now, and microseconds still fit

Foreign parsed(const std::string& body) { return Foreign::parse(body, nullptr, false); }

const Foreign& member(const Foreign& object, const char* name) {
  static const Foreign none;
  const auto found = object.is_object() ? object.find(name) : object.end();
  return object.is_object() && found != object.end() ? *found : none;
}

std::string text_in(const Foreign& object, const char* name) {
  const Foreign& value = member(object, name);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::optional<uint64_t> count_if_in(const Foreign& object, const char* name) {
  const Foreign& value = member(object, name);
  return value.is_number_unsigned() ? std::optional(value.get<uint64_t>()) : std::nullopt;
}

uint64_t count_in(const Foreign& object, const char* name) { return count_if_in(object, name).value_or(0); }

bool flag_in(const Foreign& object, const char* name) {
  const Foreign& value = member(object, name);
  return value.is_boolean() && value.get<bool>();
}

uint64_t figure_in(const Foreign& object, const char* name) { return std::min(count_in(object, name), largest_number); }

double share_in(const Foreign& object, const char* name) {
  const Foreign& value = member(object, name);
  return value.is_number() ? std::clamp(value.get<double>(), 0.0, 1.0) : 0;
}

int64_t time_in(const Foreign& object, const char* name) {
  return static_cast<int64_t>(std::min(count_in(object, name), latest_time));
}

// The first `most_entries` of a list; none if it is not a list.
template <typename Read>
void each_in(const Foreign& object, const char* name, Read read) {
  const Foreign& list = member(object, name);
  if (!list.is_array()) return;
  for (size_t i = 0; i < std::min(list.size(), most_entries); ++i) read(list[i]);
}

bool is_of_a_tenant(const Foreign& entry) { return !text_in(entry, "context").empty(); }

ReportedTransition read_transition(const Foreign& entry) {
  return {count_in(entry, "generation"),    state_from(text_in(entry, "from")),
          state_from(text_in(entry, "to")), printable(text_in(entry, "cause"), longest_cause),
          time_in(entry, "at_ms"),          time_in(entry, "age_ms")};
}

Call read_call(const Foreign& body) {
  Call call;
  const auto status = call_status_from(text_in(body, "status"));
  if (!status) return call;
  call.status = *status;
  call.generation = count_in(body, "generation");
  call.probe = flag_in(body, "probe");
  call.late = flag_in(body, "late");
  call.refused_by_bulkhead = call.status == CallStatus::blocked && text_in(body, "blocked_by") == "bulkhead";
  const uint64_t upstream_calls = count_if_in(body, "upstream_calls").value_or(usual_upstream_calls(call.status));
  call.upstream_calls = std::min(upstream_calls, most_upstream_calls);
  return call;
}

CallCounts read_counts(const Foreign& calls) {
  return {figure_in(calls, "success"), figure_in(calls, "failure"), figure_in(calls, "exception"),
          figure_in(calls, "blocked")};
}

void read_breaker(const Foreign& breaker, InstanceStatus& status) {
  status.state = state_from(text_in(breaker, "state"));
  status.breaker = printable(text_in(breaker, "name"), longest_breaker_name);
  status.store = printable(text_in(breaker, "store"), longest_word);
  status.shared_breaker = status.store != "memory";
  status.local = status.store == "local";
  status.store_error = printable(text_in(breaker, "store_error"), longest_cause);
  if (count_if_in(breaker, "view_age_ms")) status.view_age_ms = figure_in(breaker, "view_age_ms");
  status.generation = figure_in(breaker, "generation");
  status.failures = figure_in(breaker, "failures");
  status.retry_after_ms = figure_in(breaker, "retry_after_ms");
  status.late_results = figure_in(breaker, "late_results");
  status.override_mode = printable(text_in(member(breaker, "override"), "mode"), longest_word);
  status.probes_in_flight = static_cast<int>(std::min<uint64_t>(count_in(breaker, "probes_in_flight"), 1'000'000));
  status.would_have_tripped = count_if_in(breaker, "would_have_tripped");
}

LedgerEntry read_entry(const Foreign& entry) {
  return {figure_in(entry, "received"), figure_in(entry, "success"), figure_in(entry, "failure"),
          figure_in(entry, "hang"), figure_in(entry, "drop")};
}

void add(LedgerEntry& sum, const LedgerEntry& entry) {
  sum.received += entry.received;
  sum.success += entry.success;
  sum.failure += entry.failure;
  sum.hang += entry.hang;
  sum.drop += entry.drop;
}

bool is_grown(const LedgerEntry& before, const LedgerEntry& after) {
  return after.received >= before.received && after.success >= before.success && after.failure >= before.failure &&
         after.hang >= before.hang && after.drop >= before.drop;
}

program::HttpReply put(const std::string& url, const Foreign& body) {
  return program::send({.method = "PUT",
                        .url = url,
                        .headers = {"Content-Type: application/json"},
                        .body = body.dump(-1, ' ', false, Foreign::error_handler_t::replace),
                        .timeout = control_timeout});
}

std::string refusal(const program::HttpReply& reply) {
  if (reply.status == 0) return reply.error;
  const std::string error = text_in(parsed(reply.body), "error");
  if (!error.empty()) return printable(error, longest_cause);
  return reply.body.empty() ? "HTTP " + std::to_string(reply.status) : printable(reply.body, longest_cause);
}

program::HttpReply get_status(const Target& target) {
  return program::send({.url = target.url + "/status", .headers = {}, .body = {}, .timeout = control_timeout});
}

// Characters whose UTF-8 differs only in the last byte.
struct CharacterRange {
  std::string_view lead;
  unsigned char first, last;
};

constexpr std::array<CharacterRange, 5> unseen_ranges{{{"\xc2", 0x80, 0x9f},        // U+0080 to U+009F
                                                       {"\xd8", 0x9c, 0x9c},        // U+061C
                                                       {"\xe2\x80", 0x8e, 0x8f},    // U+200E, U+200F
                                                       {"\xe2\x80", 0xaa, 0xae},    // U+202A to U+202E
                                                       {"\xe2\x81", 0xa6, 0xa9}}};  // U+2066 to U+2069

// The length in bytes of such a mark at the start of the text; 0 if there is none.
size_t unseen_mark(std::string_view text) {
  for (const auto& [lead, first, last] : unseen_ranges) {
    if (!text.starts_with(lead) || text.size() == lead.size()) continue;
    const auto end = static_cast<unsigned char>(text[lead.size()]);
    if (end >= first && end <= last) return lead.size() + 1;
  }
  return 0;
}

}  // namespace

bool is_same(const ReportedTransition& a, const ReportedTransition& b) {
  const auto key = [](const ReportedTransition& each) {
    return std::tie(each.generation, each.from, each.to, each.cause, each.at_epoch_ms);
  };
  return key(a) == key(b);
}

Call read_call(const program::HttpReply& reply) {
  Call call = reply.status == 0 ? Call{} : read_call(parsed(reply.body));
  if (call.status != CallStatus::unreachable) return call;
  call.error = reply.status == 0 ? reply.error : "HTTP " + std::to_string(reply.status) + " without a call's outcome";
  call.may_have_arrived = reply.status != 0 || reply.connected;
  return call;
}

std::optional<InstanceStatus> read_status(const program::HttpReply& reply) {
  const Foreign body = parsed(reply.body);
  const Foreign& breaker = member(body, "breaker");
  if (reply.status != 200 || !breaker.is_object()) return std::nullopt;
  InstanceStatus status;
  status.name = printable(text_in(body, "instance"), longest_name);
  read_breaker(breaker, status);
  status.at_epoch_ms = time_in(body, "at_ms");
  status.calls = read_counts(member(body, "calls"));
  each_in(body, "transitions", [&](const Foreign& entry) {
    if (!is_of_a_tenant(entry)) status.transitions.push_back(read_transition(entry));
  });
  each_in(body, "notable_calls", [&](const Foreign& entry) {
    if (is_of_a_tenant(entry)) return;
    status.notable_calls.push_back(
        {count_in(entry, "number"), time_in(entry, "at_ms"), read_call(entry), time_in(entry, "age_ms")});
  });
  return status;
}

std::optional<UpstreamFault> read_fault(const program::HttpReply& reply) {
  const Foreign body = parsed(reply.body);
  if (reply.status != 200 || !body.is_object()) return std::nullopt;
  UpstreamFault fault{share_in(body, "failure_rate"),
                      figure_in(body, "latency_ms"),
                      share_in(body, "hang_rate"),
                      share_in(body, "drop_rate"),
                      printable(text_in(body, "plan"), longest_cause),
                      {}};
  each_in(body, "dropped_callers", [&](const Foreign& caller) {
    if (caller.is_string()) fault.dropped_callers.push_back(printable(caller.get<std::string>(), longest_name));
  });
  return fault;
}

std::optional<Ledger> read_ledger(const std::string& body) {
  const Foreign document = parsed(body);
  const Foreign& callers = member(document, "callers");
  if (!callers.is_object()) return std::nullopt;
  Ledger ledger;
  for (const auto& [caller, entry] : callers.items()) {
    const std::string name = printable(caller, longest_name);
    const bool is_full = ledger.size() >= most_callers && !ledger.contains(name);
    add(ledger[is_full ? "(others)" : name], read_entry(entry));
  }
  return ledger;
}

std::optional<Ledger> fetch_ledger(const std::string& upstream, std::chrono::milliseconds timeout) {
  const auto reply = program::send({.url = upstream + "/ledger", .headers = {}, .body = {}, .timeout = timeout});
  return reply.status == 200 ? read_ledger(reply.body) : std::nullopt;
}

Ledger difference(const Ledger& before, const Ledger& after) {
  const auto has_grown = [&after](const auto& account) {
    const auto found = after.find(account.first);
    return found != after.end() && is_grown(account.second, found->second);
  };
  if (!std::all_of(before.begin(), before.end(), has_grown)) return after;  // it was reset in between
  Ledger result = after;
  for (const auto& [caller, old] : before) {
    const auto found = result.find(caller);
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

std::optional<UpstreamFault> fetch_fault(const std::string& upstream) {
  return read_fault(program::send({.url = upstream + "/fault", .headers = {}, .body = {}, .timeout = control_timeout}));
}

void put_dropped_callers(const std::string& upstream, const std::vector<std::string>& callers) {
  const auto reply = put(upstream + "/fault", {{"dropped_callers", callers}});
  if (reply.status != 200) throw std::runtime_error("the upstream refuses to drop callers: " + refusal(reply));
}

void put_override(const std::vector<Target>& targets, const ManualOverride& manual_override) {
  const Foreign body{
      {"mode", manual_override.mode}, {"actor", manual_override.actor}, {"reason", manual_override.reason}};
  std::set<std::string> shared_breakers;  // that have it
  std::vector<std::string> reached;
  std::vector<std::string> refusals;
  for (const Target& target : targets) {
    const auto answer = get_status(target);
    const auto status = read_status(answer);
    const bool has_it = status && status->shared_breaker && shared_breakers.contains(status->breaker);
    const auto reply = !status || has_it ? answer : put(target.url + "/breaker/override", body);
    if (!status || reply.status == 0) {
      refusals.push_back(target.name + " gives no answer (" + refusal(reply) + ")");
    } else if (reply.status != 200) {
      refusals.push_back(target.name + " refuses the override: " + refusal(reply));
    } else {
      reached.push_back(target.name);
      if (status->shared_breaker) shared_breakers.insert(status->breaker);
    }
  }
  if (refusals.empty()) return;
  throw std::runtime_error(joined(refusals) + (reached.empty() ? "" : "; it is in force at " + joined(reached)));
}

std::string without_unseen_marks(const std::string& text) {
  std::string result;
  for (size_t at = 0; at < text.size();) {
    const size_t length = unseen_mark(std::string_view(text).substr(at));
    if (length == 0) result += text[at];
    at += std::max<size_t>(length, 1);
  }
  return result;
}

std::string printable(const std::string& text, size_t most) {
  std::string result = without_unseen_marks(program::shortened(text, most));
  for (char& character : result) {
    if (static_cast<unsigned char>(character) < ' ' || character == 0x7f) character = ' ';
  }
  return result;
}

}  // namespace load
