#include "distributed_breaker/call_policy.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

namespace cb {
namespace {

using std::chrono::milliseconds;

constexpr double an_hour = 3'600'000;
constexpr double most_calls = 10'000;
constexpr size_t longest_answer = 4096;
constexpr size_t longest_quote = 60;

constexpr std::array<CallSetting, 9> settings{{
    {"deadline", "How long the whole call may take: attempts, waiting and backoff together", "no deadline",
     &CallPolicy::deadline, 0, an_hour},
    {"max_attempts", "Attempts in all, the first one included; 1: no retries", "refused", &CallPolicy::max_attempts, 1,
     10},
    {"retry_backoff", "The wait before the first retry", "retries follow at once", &CallPolicy::retry_backoff, 0,
     an_hour},
    {"retry_backoff_multiplier", "How much longer each further wait is than the one before it", "refused",
     &CallPolicy::retry_backoff_multiplier, 1, 10},
    {"retry_backoff_maximum", "No wait before a retry is longer than this", "only with a backoff of 0",
     &CallPolicy::retry_backoff_maximum, 0, an_hour},
    {"retry_jitter", "Share of each wait that is random, 0 to 1; the wait is shortened by up to it", "waits are exact",
     &CallPolicy::retry_jitter, 0, 1},
    {"retry_budget", "Retries per call that are allowed over time, as a share 0 to 1", "every retry is made",
     &CallPolicy::retry_budget, 0, 1},
    {"max_concurrent_calls", "Attempts under way at once", "no bulkhead", &CallPolicy::max_concurrent_calls, 0,
     most_calls},
    {"max_queued_calls", "Calls that may wait for a slot of the bulkhead", "a call that finds no slot is refused",
     &CallPolicy::max_queued_calls, 0, most_calls},
}};

double number(double value) { return value; }
double number(milliseconds value) { return static_cast<double>(value.count()); }

std::string plain(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15) return std::to_string(static_cast<int64_t>(value));
  std::array<char, 32> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

std::optional<std::string> fault_of(const CallSetting& setting, const CallPolicy& policy) {
  const double value = std::visit([&policy](auto member) { return number(policy.*member); }, setting.member);
  if (value >= setting.least && value <= setting.most) return std::nullopt;  // and so NaN is refused
  const std::string unit = std::holds_alternative<milliseconds CallPolicy::*>(setting.member) ? "ms" : "";
  return std::string(setting.name) + " is " + plain(value) + unit + "; it must be " + plain(setting.least) + unit +
         " to " + plain(setting.most) + unit;
}

// What the user wrote may be long, and need not be printable.
std::string quoted(const std::string& text) {
  return nlohmann::json(text.substr(0, longest_quote)).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

std::optional<std::string> fault_of_fallback(const CallPolicy& policy) {
  const std::string& answer = policy.fallback_answer;
  if (policy.fallback != Fallback::fixed) {
    if (answer.empty()) return std::nullopt;
    return "fallback_answer is " + quoted(answer) + "; it must be absent unless fallback is fixed";
  }
  if (answer.size() > longest_answer) {
    return "fallback_answer is " + std::to_string(answer.size()) + " bytes long; it must be at most " +
           std::to_string(longest_answer);
  }
  if (nlohmann::json::accept(answer)) return std::nullopt;
  return "fallback_answer is " + quoted(answer) + "; with fallback fixed it must be JSON";
}

std::optional<std::string> fault_of_waits(const CallPolicy& policy) {
  if (policy.retry_backoff <= policy.retry_backoff_maximum) return std::nullopt;
  const auto in_ms = [](milliseconds duration) { return std::to_string(duration.count()) + "ms"; };
  return "retry_backoff is " + in_ms(policy.retry_backoff) + "; it must be at most retry_backoff_maximum, " +
         in_ms(policy.retry_backoff_maximum);
}

// Accepted, it would do nothing, and its user would wonder why.
std::optional<std::string> fault_of_queue(const CallPolicy& policy) {
  if (policy.max_queued_calls <= 0 || policy.max_concurrent_calls != 0) return std::nullopt;
  return "max_queued_calls is " + std::to_string(policy.max_queued_calls) +
         "; it must be 0 unless max_concurrent_calls is at least 1";
}

}  // namespace

std::string_view to_text(Fallback fallback) {
  constexpr std::array<std::string_view, 3> names{"none", "fixed", "last_good"};
  return names[static_cast<size_t>(fallback)];
}

std::span<const CallSetting> call_settings() { return settings; }

std::vector<std::string> validate(const CallPolicy& policy) {
  std::vector<std::string> faults;
  const auto note = [&faults](std::optional<std::string> fault) {
    if (fault) faults.push_back(std::move(*fault));
  };
  for (const CallSetting& setting : settings) note(fault_of(setting, policy));
  for (const auto fault : {fault_of_waits, fault_of_queue, fault_of_fallback}) note(fault(policy));
  return faults;
}

void require_valid(const CallPolicy& policy) {
  std::string all;
  for (const auto& fault : validate(policy)) all += (all.empty() ? "" : "; ") + fault;
  if (!all.empty()) throw std::invalid_argument(all);
}

nlohmann::ordered_json to_json(const CallPolicy& policy) {
  nlohmann::ordered_json json;
  for (const CallSetting& setting : settings) {
    const std::string name(setting.name);
    if (const auto* duration = std::get_if<milliseconds CallPolicy::*>(&setting.member)) {
      json[name + "_ms"] = (policy.**duration).count();
    } else if (const auto* share = std::get_if<double CallPolicy::*>(&setting.member)) {
      json[name] = policy.**share;
    } else {
      json[name] = policy.*std::get<int CallPolicy::*>(setting.member);
    }
  }
  json["fallback"] = to_text(policy.fallback);
  if (policy.fallback == Fallback::fixed) json["fallback_answer"] = policy.fallback_answer;
  return json;
}

}  // namespace cb
