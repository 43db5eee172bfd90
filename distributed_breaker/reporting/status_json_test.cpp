#include "distributed_breaker/reporting/status_json.hpp"

#include <doctest/doctest.h>

#include "distributed_breaker/reporting/call_report.hpp"

using namespace cb;
using namespace std::chrono_literals;
using json = nlohmann::ordered_json;

TEST_CASE("the JSON of a call policy has every setting, with the unit in the name of a duration") {
  const json policy = CallPolicy{.deadline = 2s, .fallback = Fallback::last_good};
  CHECK(policy.dump() ==
        R"({"deadline_ms":2000,"max_attempts":1,"retry_backoff_ms":50,"retry_backoff_multiplier":2.0,)"
        R"("retry_backoff_maximum_ms":1000,"retry_jitter":0.5,"retry_budget":0.0,"max_concurrent_calls":0,)"
        R"("max_queued_calls":0,"fallback":"last_good"})");
}

TEST_CASE("each date has its age beside it, by the same clock, and an override how long it still lasts") {
  const TimePoint now{10'000s + 700us};  // long before any wall clock
  const std::vector<LoggedTransition> transitions{{"", {State::closed, State::open, 1, "so", now - 2500ms}},
                                                  {"", {State::open, State::half_open, 2, "so", now + 1ms}}};
  CHECK(transitions_json(transitions, now)[0]["at_ms"] == 9'997'500);
  CHECK(transitions_json(transitions, now)[0]["age_ms"] == 2500);
  CHECK(transitions_json(transitions, now)[1]["age_ms"] == 0);  // it happened while the status was written
  const json calls = notable_calls_json({{.at = now - 40ms}}, now);
  CHECK(calls[0]["at_ms"] == 9'999'960);
  CHECK(calls[0]["age_ms"] == 40);
  DetailedStatus status;
  status.active_override = {Mode::forced_open, "ann", ""};
  status.override_until = now + 60s;
  const json breaker = breaker_json("x", status, {}, now);
  CHECK(breaker["override"]["expires_at_ms"] == 10'060'000);
  CHECK(breaker["override"]["expires_in_ms"] == 60'000);
}

TEST_CASE("a call that was given up without an attempt is dated by the instance's clock") {
  const CallReport report{{{CallEnd::deadline_over, 0}}};
  CHECK(report.notable_call("", TimePoint(5s)).at == TimePoint(5s));
}

TEST_CASE("the fixed answer is shown as text, and only if it is used") {
  CHECK(json(CallPolicy{.fallback = Fallback::fixed, .fallback_answer = "{}"})["fallback_answer"] == "{}");
  CHECK_FALSE(json(CallPolicy{}).contains("fallback_answer"));
}
