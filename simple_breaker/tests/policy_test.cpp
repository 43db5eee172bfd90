#include "simple_breaker/policy.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "simple_breaker/breaker.hpp"
#include "simple_breaker/policies/identity.hpp"

using namespace cb;
using namespace std::chrono_literals;

TEST_CASE("the defaults are those of the reference, and valid") {
  const Policy policy;
  CHECK(policy.failure_threshold == 3);
  CHECK(policy.recovery_timeout == 10s);
  CHECK(validate(policy).empty());
}

TEST_CASE("each setting out of range yields one line with its name, value and range") {
  const Policy policy{.failure_threshold = -1,
                      .failure_rate_threshold = 50,
                      .recovery_timeout = -5ms,
                      .recovery_timeout_multiplier = 0.5,
                      .permitted_calls_in_half_open = 2'000'000};
  const auto faults = validate(policy);
  REQUIRE(faults.size() == 5);
  CHECK(faults[0] == "failure_threshold is -1; it must be 0 to 1000000");
  CHECK(faults[1] == "failure_rate_threshold is 50; it must be 0 to 1");
  CHECK(faults[2] == "recovery_timeout is -5ms; it must be 1ms to 31536000000ms");
  CHECK(faults[3] == "recovery_timeout_multiplier is 0.5; it must be 1 to 100");
  CHECK(faults[4] == "permitted_calls_in_half_open is 2000000; it must be 1 to 1000");
  CHECK_THROWS_AS(require_valid(policy), std::invalid_argument);
}

TEST_CASE("zero is rejected exactly where settings() gives it no meaning") {
  for (const Setting<Policy>& setting : settings()) {
    CAPTURE(setting.name);
    Policy policy{.failure_rate_threshold = 0.5};
    std::visit([&](auto field) { policy.*field = {}; }, setting.field);
    if (setting.name == "failure_rate_threshold") policy.failure_threshold = 3;
    CHECK(validate(policy).empty() == !setting.zero.empty());
  }
}

TEST_CASE("NaN is not a valid share") { CHECK(validate({.failure_rate_threshold = std::nan("")}).size() == 1); }

TEST_CASE("a policy that could never open the circuit is rejected") {
  CHECK(validate({.failure_threshold = 0}).size() == 1);
  CHECK(validate({.slow_call_rate_threshold = 0.5}).size() == 1);
  CHECK(validate({.failure_threshold = 0, .failure_rate_threshold = 0.5}).empty());
}

TEST_CASE("a probe must be able to be slow: slow_call_duration_threshold is below probe_timeout") {
  Policy policy{.slow_call_rate_threshold = 0.5, .slow_call_duration_threshold = 5s, .probe_timeout = 5s};
  REQUIRE(validate(policy).size() == 1);
  CHECK(validate(policy)[0] ==
        "slow_call_duration_threshold is 5000ms and probe_timeout 5000ms: a probe would fail by its timeout before it "
        "could be found slow; make probe_timeout longer");
  policy.slow_call_duration_threshold = 4999ms;
  CHECK(validate(policy).empty());
  policy.slow_call_duration_threshold = 1h;
  policy.slow_call_rate_threshold = 0;  // slow calls are reported, and no probe fails for being slow
  CHECK(validate(policy).empty());
}

TEST_CASE("a context is 1 to 128 characters: a tenant, a host with its port, an IPv6 address") {
  for (const std::string& good : {std::string("a"), std::string("Acme-1_2.3/eu"), std::string("db-1.local:5432"),
                                  std::string("[::1]:9000"), std::string(128, 'x')}) {
    CHECK_MESSAGE(is_valid_context(good), good);
    CHECK_NOTHROW(require_valid(Identity{"pay", good}));
  }
  for (const std::string& bad : {std::string(), std::string(" "), std::string("a b"), std::string("{x}"),
                                 std::string("a@b"), std::string("\xc3\xa9"), std::string(129, 'x')}) {
    CHECK_MESSAGE(!is_valid_context(bad), bad);
  }
  CHECK_NOTHROW(require_valid(Identity{"pay"}));
  CHECK_THROWS_AS(require_valid(Identity{"pay", "a b"}), std::invalid_argument);
  CHECK_THROWS_AS(require_valid(Identity{"a:b", "acme"}), std::invalid_argument);
}

TEST_CASE("no two breakers have the same key, and one without a context has its name as its key") {
  const std::vector<Identity> all{{"pay"}, {"pay", "cards"}, {"pay/cards"}, {"pay", "cards/eu"}, {"pay/cards", "eu"}};
  std::set<std::string> keys;
  for (const Identity& identity : all) keys.insert(identity.key());
  CHECK(keys.size() == all.size());
  CHECK(Identity{"pay/cards"}.key() == "pay/cards");
  for (const Identity& identity : all) CHECK(is_valid_name(identity.key()) == identity.context.empty());
}

TEST_CASE("a breaker's name is valid only if it is short and safe in a key, a path and a label") {
  CHECK_NOTHROW(require_valid_name("unreliable_service/acme-1.v2"));
  CHECK_NOTHROW(require_valid_name(std::string(256, 'a')));
  for (const std::string& bad : {std::string(), std::string(257, 'a'), std::string("a b"), std::string("a:b"),
                                 std::string("a{b}"), std::string("a\nb"), std::string("\xc3\xa9")}) {
    CHECK_THROWS_AS(require_valid_name(bad), std::invalid_argument);
  }
}
