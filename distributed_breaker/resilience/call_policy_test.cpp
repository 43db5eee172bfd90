#include "distributed_breaker/resilience/call_policy.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>
#include <string>

#include "distributed_breaker/resilience/call_policy_options.hpp"

using namespace cb;
using namespace std::chrono_literals;

TEST_CASE("the defaults are valid and protect nothing") {
  const CallPolicy policy;
  CHECK(validate(policy).empty());
  CHECK(policy.deadline == 0ms);
  CHECK(policy.max_attempts == 1);
  CHECK(policy.retry_budget == 0);
  CHECK(policy.max_concurrent_calls == 0);
  CHECK(policy.fallback == Fallback::none);
}

TEST_CASE("a setting out of range is one line that names it, its value and the range") {
  CHECK(validate({.deadline = -1ms}).at(0) == "deadline is -1ms; it must be 0ms to 3600000ms");
  CHECK(validate({.max_attempts = 0}).at(0) == "max_attempts is 0; it must be 1 to 10");
  CHECK(validate({.max_attempts = 11}).at(0) == "max_attempts is 11; it must be 1 to 10");
  CHECK(validate({.retry_backoff_multiplier = 0.5}).at(0) == "retry_backoff_multiplier is 0.5; it must be 1 to 10");
  CHECK(validate({.retry_budget = 1.5}).at(0) == "retry_budget is 1.5; it must be 0 to 1");
  CHECK(validate({.retry_jitter = std::nan("")}).size() == 1);
  CHECK(validate({.max_concurrent_calls = -1, .max_queued_calls = 10'001}).size() == 2);
  CHECK_THROWS_AS(require_valid({.max_attempts = 0}), std::invalid_argument);
}

TEST_CASE("a setting that is useless without another is refused") {
  CHECK(validate({.retry_backoff = 2s}).at(0) ==
        "retry_backoff is 2000ms; it must be at most retry_backoff_maximum, 1000ms");
  CHECK(validate({.max_queued_calls = 5}).at(0) ==
        "max_queued_calls is 5; it must be 0 unless max_concurrent_calls is at least 1");
  CHECK(validate({.fallback = Fallback::last_good, .fallback_answer = "1"}).at(0) ==
        "fallback_answer is given; it must be absent unless fallback is fixed");
}

TEST_CASE("a fixed answer has 1 byte to 4 KiB, of any format") {
  const auto faults = [](const std::string& answer) {
    return validate({.fallback = Fallback::fixed, .fallback_answer = answer});
  };
  CHECK(faults("try later").empty());
  CHECK(faults(std::string(4096, 'a')).empty());
  CHECK(faults(std::string(4097, 'a')).at(0) ==
        "fallback_answer is 4097 bytes long; with fallback fixed it must be 1 to 4096");
  CHECK(faults("").at(0) == "fallback_answer is 0 bytes long; with fallback fixed it must be 1 to 4096");
}

TEST_CASE("a fixed answer on a command line is JSON, and the error message is short and printable") {
  const auto fault = [](const std::string& answer) -> std::string {
    program::CommandLine app;
    CallPolicy policy;
    add_call_policy_options(app, policy);
    try {
      app.parse({"--fallback-answer", answer});
      return "";
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
  };
  CHECK(fault(R"({"message":"try later"})").empty());
  CHECK(fault("\xEF\xBB\xBF{}") == R"(--fallback-answer: "\ufeff{}" is not valid JSON)");
  CHECK(fault("{message\n") == R"(--fallback-answer: "{message\n" is not valid JSON)");
  CHECK(fault(std::string(4000, '\xff')).size() < 500);
}

TEST_CASE("every setting is an option") {
  program::CommandLine app;
  CallPolicy policy;
  add_call_policy_options(app, policy);
  app.parse({"--deadline",
             "2s",
             "--max-attempts",
             "4",
             "--retry-backoff",
             "100ms",
             "--retry-backoff-multiplier",
             "3",
             "--retry-backoff-maximum",
             "2s",
             "--retry-jitter",
             "1",
             "--retry-budget",
             "0.1",
             "--max-concurrent-calls",
             "8",
             "--max-queued-calls",
             "16",
             "--fallback",
             "fixed",
             "--fallback-answer",
             "{}"});
  const CallPolicy expected{.deadline = 2s,
                            .max_attempts = 4,
                            .retry_backoff = 100ms,
                            .retry_backoff_multiplier = 3,
                            .retry_backoff_maximum = 2s,
                            .retry_jitter = 1,
                            .retry_budget = 0.1,
                            .max_concurrent_calls = 8,
                            .max_queued_calls = 16,
                            .fallback = Fallback::fixed,
                            .fallback_answer = "{}"};
  CHECK(policy == expected);
}

TEST_CASE("--help shows the meaning and the default of each setting, and what zero means") {
  program::CommandLine app;
  CallPolicy policy;
  add_call_policy_options(app, policy);
  const std::string help = app.help(200);
  CHECK(help.find("\nAround the call:\n") != std::string::npos);
  for (const auto& setting : call_settings()) CHECK(help.find(setting.meaning) != std::string::npos);
  CHECK(help.find("Attempts in flight at once (0: no bulkhead); default: 0\n") != std::string::npos);
  CHECK(help.find("--retry-backoff DURATION ") != std::string::npos);
  CHECK(help.find("The wait before the first retry (0: retries follow at once); default: 50ms\n") != std::string::npos);
  CHECK(help.find("--fallback none|fixed|last-good\n") != std::string::npos);
  CHECK(help.find("Answer to a call that failed; default: none\n") != std::string::npos);
}

TEST_CASE("--fallback takes last-good with a hyphen, and refuses unknown kinds") {
  program::CommandLine app;
  CallPolicy policy;
  add_call_policy_options(app, policy);
  app.parse({"--fallback", "last-good"});
  CHECK(policy.fallback == Fallback::last_good);
  CHECK_THROWS_WITH(app.parse({"--fallback", "cached"}), "--fallback: 'cached' is not one of none, fixed, last-good");
}
