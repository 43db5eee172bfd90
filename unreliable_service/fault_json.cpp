#include "unreliable_service/fault_json.hpp"

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace unreliable {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// A value as text for an error line: short, plain, and never deep (writing nested arrays needs a stack as deep as
// they).
std::string quote(const json& value) {
  if (value.is_structured()) return value.is_array() ? "an array" : "an object";
  const std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  return text.size() <= 80 ? text : text.substr(0, 80) + "...";
}

[[noreturn]] void refuse(const std::string& field, const json& value, const std::string& wanted) {
  throw std::invalid_argument(field + " is " + quote(value) + "; it must be " + wanted);
}

double rate(const std::string& field, const json& value) {
  if (!value.is_number() || value.get<double>() < 0 || value.get<double>() > 1) {
    refuse(field, value, "a number from 0 to 1");
  }
  return value.get<double>();
}

std::chrono::milliseconds latency(const std::string& field, const json& value) {
  const auto longest = static_cast<double>(longest_latency.count());
  if (!value.is_number_integer() || value.get<double>() < 0 || value.get<double>() > longest) {
    refuse(field, value, "a whole number from 0 to " + std::to_string(longest_latency.count()));
  }
  return std::chrono::milliseconds(value.get<int64_t>());
}

FaultPlan read_plan(const json& change) {
  const json& plan = change["plan"];
  if (!plan.is_string()) refuse("plan", plan, "a text such as \"down 10s, healthy\"");
  if (change.size() > 1) throw std::invalid_argument("plan stands alone; send other fields without it");
  return FaultPlan(plan.get<std::string>());
}

ordered_json to_json(const Counts& counts) {
  return {{"received", counts.received()},
          {"success", counts.of(Fate::success)},
          {"failure", counts.of(Fate::failure)},
          {"hang", counts.of(Fate::hang)},
          {"drop", counts.of(Fate::drop)}};
}

}  // namespace

std::string fault_json(const Fault& present, const FaultPlan& plan) {
  ordered_json fault{{"failure_rate", present.failure_rate},
                     {"latency_ms", present.latency.count()},
                     {"hang_rate", present.hang_rate},
                     {"drop_rate", present.drop_rate}};
  if (!plan.text().empty()) fault["plan"] = plan.text();
  return fault.dump();
}

std::string ledger_json(const LedgerPage& page) {
  ordered_json callers = ordered_json::object();
  for (const auto& [caller, counts] : page.callers) callers[caller] = to_json(counts);
  return ordered_json{{"total", to_json(page.total)}, {"callers", callers}}.dump();
}

std::string error_json(const std::string& error) { return json{{"error", error}}.dump(); }

FaultPlan read_fault_change(const std::string& body, const Fault& present) {
  const json change = json::parse(body, nullptr, false);  // no exceptions: what is no JSON is "discarded"
  if (change.is_discarded()) throw std::invalid_argument("the body is no valid JSON");
  if (!change.is_object()) throw std::invalid_argument("the body must be a JSON object");
  if (change.contains("plan")) return read_plan(change);
  Fault fault = present;
  fault.down = false;
  for (const auto& [field, value] : change.items()) {
    if (field == "failure_rate") {
      fault.failure_rate = rate(field, value);
    } else if (field == "latency_ms") {
      fault.latency = latency(field, value);
    } else if (field == "hang_rate") {
      fault.hang_rate = rate(field, value);
    } else if (field == "drop_rate") {
      fault.drop_rate = rate(field, value);
    } else {
      throw std::invalid_argument("unknown field " + quote(field) + " with value " + quote(value) +
                                  "; the fields are failure_rate, latency_ms, hang_rate, drop_rate, or plan alone");
    }
  }
  return FaultPlan(fault);
}

}  // namespace unreliable
