#include "distributed_breaker/reporting/status_json.hpp"

#include <doctest/doctest.h>

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

TEST_CASE("the fixed answer is shown as text, and only if it is used") {
  CHECK(json(CallPolicy{.fallback = Fallback::fixed, .fallback_answer = "{}"})["fallback_answer"] == "{}");
  CHECK_FALSE(json(CallPolicy{}).contains("fallback_answer"));
}
