#include "load_generator/scenario/program_settings.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

using namespace load;
using std::chrono::milliseconds;
using Options = std::vector<std::string>;

namespace {

Settings settings_in(const std::string& text) {
  const auto json = nlohmann::ordered_json::parse(text);
  return read_settings({json, "scenario.json", "breaker"});
}

}  // namespace

TEST_CASE("a setting becomes an option: numbers and texts as they are, durations with their unit") {
  CHECK(options(settings_in(R"({"failure_threshold": 3})")) == Options{"--failure-threshold=3"});
  CHECK(options(settings_in(R"({"failure_rate_threshold": 0.05})")) == Options{"--failure-rate-threshold=0.05"});
  CHECK(options(settings_in(R"({"sliding_window_size": 1000000000})")) == Options{"--sliding-window-size=1000000000"});
  CHECK(options(settings_in(R"({"recovery_timeout_ms": 1500})")) == Options{"--recovery-timeout=1500ms"});
  CHECK(options(settings_in(R"({"slow_call_duration_threshold_ms": 0})")) ==
        Options{"--slow-call-duration-threshold=0ms"});
  CHECK(options(settings_in(R"({"failure_statuses": "500,503"})")) == Options{"--failure-statuses=500,503"});
}

TEST_CASE("no value is taken for an option") {
  CHECK(options(settings_in(R"({"a": "--port", "b": -1})")) == Options{"--a=--port", "--b=-1"});
}

TEST_CASE("changes replace settings of the same name, and keep the others") {
  const Settings base = settings_in(R"({"failure_threshold": 3, "recovery_timeout_ms": 1000})");
  const Settings changes = settings_in(R"({"failure_threshold": 5, "success_threshold": 2})");
  CHECK(options(changed(base, changes)) ==
        Options{"--failure-threshold=5", "--recovery-timeout=1s", "--success-threshold=2"});
}

TEST_CASE("a duration is read in milliseconds and as text") {
  CHECK(duration_in(settings_in(R"({"recovery_timeout_ms": 1000})"), "recovery_timeout") == milliseconds(1000));
  CHECK(duration_in(settings_in(R"({"recovery_timeout": "2m"})"), "recovery_timeout") == milliseconds(120'000));
  CHECK_FALSE(duration_in(settings_in(R"({"recovery_timeout": "soon"})"), "recovery_timeout"));
  CHECK_FALSE(duration_in({}, "recovery_timeout"));
}

TEST_CASE("a setting of the wrong shape is refused by file and field") {
  const auto refused = [](const std::string& text, const char* complaint) {
    CHECK_THROWS_WITH_AS(settings_in(text), doctest::Contains(complaint), std::invalid_argument);
  };
  refused(R"({"Threshold": 1})", "scenario.json: breaker.Threshold is 1; it must be a name");
  refused(R"({"": 1})", "a name of up to 64");
  refused(R"({"_ms": 1})", "a name of up to 64");
  refused(R"({"a=b": 1})", "a name of up to 64");
  refused(R"({")" + std::string(65, 'a') + R"(": 1})", "a name of up to 64");
  refused(R"({"failure_threshold": true})", "breaker.failure_threshold is true; it must be a number");
  refused(R"({"failure_threshold": 1e10})", "a number from -1000000000 to 1000000000");
  refused(R"({"failure_threshold": [3]})", "breaker.failure_threshold is [3]");
  refused(R"({"failure_statuses": ""})", "a text of 1 to 200 bytes");
  refused(R"({"failure_statuses": ")" + std::string(201, '5') + R"("})", "a text of 1 to 200 bytes");
  refused(R"({"recovery_timeout_ms": "1s"})", "a whole number from 0 to 86400000");
  refused(R"({"recovery_timeout_ms": 0.5})", "a whole number from 0 to 86400000");
  refused(R"({"recovery_timeout_ms": 1, "recovery_timeout": "1s"})", "there once");
}
