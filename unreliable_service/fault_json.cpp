#include "unreliable_service/fault_json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace unreliable {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr size_t most_dropped_callers = 26;
constexpr size_t longest_caller = 64;

// A value as text for an error line: short and plain. Arrays and objects are not written: serializing deep nesting
// needs an equally deep stack.
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

bool is_caller(const json& name) {
  if (!name.is_string()) return false;
  const auto& text = name.get_ref<const std::string&>();
  const auto is_plain = [](char letter) { return letter >= ' ' && letter <= '~'; };
  return !text.empty() && text.size() <= longest_caller && std::all_of(text.begin(), text.end(), is_plain);
}

Callers callers(const std::string& field, const json& value) {
  if (!value.is_array() || value.size() > most_dropped_callers) {
    refuse(field, value, "a list of at most " + std::to_string(most_dropped_callers) + " names");
  }
  for (const json& name : value) {
    if (!is_caller(name)) {
      refuse("a name in " + field, name, "1 to " + std::to_string(longest_caller) + " plain characters");
    }
  }
  return value.get<Callers>();
}

FaultPlan read_plan(const json& change) {
  const json& plan = change["plan"];
  if (!plan.is_string()) refuse("plan", plan, "a text such as \"down 10s, healthy\"");
  if (change.size() > 1) {
    throw std::invalid_argument("plan can be combined with dropped_callers only; send other fields without it");
  }
  return FaultPlan(plan.get<std::string>());
}

FaultPlan read_fields(const json& change, Fault fault) {
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
                                  "; the fields are failure_rate, latency_ms, hang_rate, drop_rate, or plan without "
                                  "them; and dropped_callers");
    }
  }
  return FaultPlan(fault);
}

ordered_json to_json(const Counts& counts) {
  return {{"received", counts.received()},
          {"success", counts.of(Fate::success)},
          {"failure", counts.of(Fate::failure)},
          {"hang", counts.of(Fate::hang)},
          {"drop", counts.of(Fate::drop)}};
}

}  // namespace

std::string fault_json(const Fault& present, const FaultPlan& plan, const Callers& dropped_callers) {
  ordered_json fault{{"failure_rate", present.failure_rate},
                     {"latency_ms", present.latency.count()},
                     {"hang_rate", present.hang_rate},
                     {"drop_rate", present.drop_rate}};
  if (!plan.text().empty()) fault["plan"] = plan.text();
  if (!dropped_callers.empty()) fault["dropped_callers"] = dropped_callers;
  return fault.dump();
}

std::string ledger_json(const LedgerPage& page) {
  ordered_json callers = ordered_json::object();
  for (const auto& [caller, counts] : page.callers) callers[caller] = to_json(counts);
  return ordered_json{{"total", to_json(page.total)}, {"callers", callers}}.dump();
}

std::string error_json(const std::string& error) { return json{{"error", error}}.dump(); }

FaultChange read_fault_change(const std::string& body, const Fault& present) {
  json fields = json::parse(body, nullptr, false);  // no exceptions: invalid JSON is "discarded"
  if (fields.is_discarded()) throw std::invalid_argument("the body is not valid JSON");
  if (!fields.is_object()) throw std::invalid_argument("the body must be a JSON object");
  FaultChange change;
  if (fields.contains("dropped_callers")) {
    change.dropped_callers = callers("dropped_callers", fields["dropped_callers"]);
    fields.erase("dropped_callers");
    if (fields.empty()) return change;
  }
  change.plan = fields.contains("plan") ? read_plan(fields) : read_fields(fields, present);
  return change;
}

}  // namespace unreliable
