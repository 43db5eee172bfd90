#include "simple_breaker/policy.hpp"

#include <array>

namespace cb {
namespace {

constexpr double most_calls = 1'000'000;
constexpr double an_hour = 3'600'000;
constexpr double a_year = 365.0 * 24 * 3'600'000;

constexpr std::string_view when_to_open = "When to open";
constexpr std::string_view how_long_open = "How long to stay open";
constexpr std::string_view how_to_close = "How to close";

constexpr std::array<Setting<Policy>, 17> all_settings{{
    {"failure_threshold", "Failures in a row that open the circuit", "never for that reason",
     &Policy::failure_threshold, 0, most_calls, when_to_open},
    {"failure_rate_threshold", "Share of recent calls, 0 to 1, that must fail to open the circuit",
     "never for that reason", &Policy::failure_rate_threshold, 0, 1, when_to_open},
    {"slow_call_rate_threshold", "Share of recent calls, 0 to 1, that must be slow to open the circuit",
     "never for that reason", &Policy::slow_call_rate_threshold, 0, 1, when_to_open},
    {"slow_call_duration_threshold", "A call that takes this long is slow", "no call is slow",
     &Policy::slow_call_duration_threshold, 0, a_year, when_to_open},
    {"sliding_window_size", "How far back the rates look, in ten buckets", "", &Policy::sliding_window_size, 10,
     an_hour, when_to_open},
    {"minimum_number_of_calls", "With fewer recent calls no rate opens the circuit", "",
     &Policy::minimum_number_of_calls, 1, most_calls, when_to_open},
    {"minimum_reporting_instances", "Instances that must have seen failures (stage 3)", "",
     &Policy::minimum_reporting_instances, 1, 100, when_to_open},
    {"clear_interval", "Counts are cleared this long after the first of them", "never", &Policy::clear_interval, 0,
     a_year, when_to_open},
    {"recovery_timeout", "How long an open circuit rejects before it lets a probe through", "",
     &Policy::recovery_timeout, 1, a_year, how_long_open},
    {"recovery_timeout_multiplier", "A failed probe makes the next break longer by this factor", "",
     &Policy::recovery_timeout_multiplier, 1, 100, how_long_open},
    {"recovery_timeout_maximum", "Upper limit of a growing recovery_timeout", "no growth",
     &Policy::recovery_timeout_maximum, 0, a_year, how_long_open},
    {"recovery_timeout_jitter", "Share of a break, 0 to 1, that is random: the break ends earlier by up to that",
     "none", &Policy::recovery_timeout_jitter, 0, 1, how_long_open},
    {"health_check_interval", "How often to poll the upstream's /health while open", "never",
     &Policy::health_check_interval, 0, a_year, how_long_open},
    {"permitted_calls_in_half_open", "Probes that may be in flight at once", "", &Policy::permitted_calls_in_half_open,
     1, 1000, how_to_close},
    {"success_threshold", "Probes that must succeed before the circuit closes", "", &Policy::success_threshold, 1,
     most_calls, how_to_close},
    {"probe_timeout", "A probe without an answer by then has failed; keep it above the longest call", "",
     &Policy::probe_timeout, 1, a_year, how_to_close},
    {"half_open_timeout", "How long the circuit may stay half-open before it opens again", "no limit",
     &Policy::half_open_timeout, 0, a_year, how_to_close},
}};

std::string in_ms(std::chrono::milliseconds time) { return std::to_string(time.count()) + "ms"; }

}  // namespace

std::span<const Setting<Policy>> settings() { return all_settings; }

std::vector<std::string> validate(const Policy& policy) {
  std::vector<std::string> faults = out_of_range(policy, settings());
  if (policy.failure_threshold == 0 && !policy.keeps_window()) {
    faults.push_back(
        "failure_threshold, failure_rate_threshold and slow_call_rate_threshold are all 0: nothing would ever open the "
        "circuit; set one of them");
  }
  if (policy.slow_call_rate_threshold > 0 && policy.slow_call_duration_threshold.count() == 0) {
    faults.push_back(
        "slow_call_rate_threshold is set and slow_call_duration_threshold is 0ms: no call is slow; set both");
  }
  if (policy.slow_call_rate_threshold > 0 && policy.slow_call_duration_threshold >= policy.probe_timeout) {
    faults.push_back("slow_call_duration_threshold is " + in_ms(policy.slow_call_duration_threshold) +
                     " and probe_timeout " + in_ms(policy.probe_timeout) +
                     ": a probe would fail by its timeout before it could be found slow; make probe_timeout longer");
  }
  return faults;
}

void require_valid(const Policy& policy) { require_none(validate(policy)); }

}  // namespace cb
