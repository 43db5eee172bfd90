#include "load_generator/instance_api.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <nlohmann/json.hpp>

using namespace load;

namespace {

program::HttpReply answer(const std::string& body, int status = 200) {
  program::HttpReply reply;
  reply.status = status;
  reply.body = body;
  return reply;
}

}  // namespace

TEST_CASE("a status tells of the breaker, its store, the calls, and those that tell something") {
  const auto status = read_status(answer(R"({"instance":"Instance-A",
    "breaker":{"name":"unreliable_service","state":"open","failures":3,"generation":7,"retry_after_ms":900,
               "store":"redis","store_error":"no route","view_age_ms":12,"late_results":2,
               "override":{"mode":"forced_open","actor":"me"}},
    "calls":{"success":5,"failure":3,"exception":1,"blocked":9},
    "notable_calls":[{"number":4,"at_ms":1763740000000,"status":"failure","generation":6,"probe":true,"late":true,
                      "upstream_calls":2},
                     {"number":5,"at_ms":1763740000001,"status":"failure","context":"tenant"}]})"));
  REQUIRE(status);
  CHECK(status->breaker == "unreliable_service");
  CHECK(status->store == "redis");
  CHECK(status->store_error == "no route");
  CHECK(status->view_age_ms == 12);
  CHECK(status->generation == 7);
  CHECK(status->failures == 3);
  CHECK(status->retry_after_ms == 900);
  CHECK(status->late_results == 2);
  CHECK(status->override_mode == "forced_open");
  CHECK(status->calls.blocked == 9);
  REQUIRE(status->notable_calls.size() == 1);  // without that of a tenant's breaker, which is another
  CHECK(status->notable_calls[0].number == 4);
  CHECK(status->notable_calls[0].at_epoch_ms == 1763740000000);
  const Call& call = status->notable_calls[0].call;
  CHECK(call.status == CallStatus::failure);
  CHECK(call.probe);
  CHECK(call.late);
  CHECK(call.upstream_calls == 2);
}

TEST_CASE("a body of very many fields takes no longer than its length") {
  const auto seconds_for = [](int fields) {
    std::string body = R"({"breaker":{"state":"open","store":"memory"})";
    for (int i = 0; i < fields; ++i) body += ",\"" + std::to_string(i) + "\":0";
    const auto start = std::chrono::steady_clock::now();
    CHECK(read_status(answer(body + "}")));
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  seconds_for(1000);
  CHECK(seconds_for(50'000) < 200 * seconds_for(1000));  // 50 times, and 2500 times where each field meets all others
}

TEST_CASE("what is missing or of another type in a status is as if nothing was said") {
  const auto bare = read_status(answer(R"({"breaker":{"state":7,"name":[],"store":"memory","view_age_ms":"old",
    "failures":-1,"override":"forced"},"calls":3,"transitions":{"a":{}},"notable_calls":[7,{},"x"]})"));
  REQUIRE(bare);
  CHECK(bare->state == State::unknown);
  CHECK(bare->breaker.empty());
  CHECK_FALSE(bare->view_age_ms);
  CHECK(bare->failures == 0);
  CHECK(bare->override_mode.empty());
  CHECK(bare->calls.success == 0);
  CHECK(bare->transitions.empty());
  CHECK(bare->notable_calls.size() == 3);
  CHECK(bare->notable_calls[0].call.status == CallStatus::unreachable);
  CHECK_FALSE(read_status(answer("{}")));
  CHECK_FALSE(read_status(answer("[[[")));
  CHECK_FALSE(read_status(answer(R"({"breaker":{}})", 500)));
}

TEST_CASE("what a status says is bounded: texts, lists, figures and times") {
  nlohmann::json body{{"breaker", {{"name", std::string(5000, 'n')}, {"failures", UINT64_MAX}}}};
  for (int i = 0; i < 5000; ++i) body["transitions"].push_back({{"at_ms", UINT64_MAX}, {"cause", "\033[31mred\n"}});
  const auto status = read_status(answer(body.dump()));
  REQUIRE(status);
  CHECK(status->breaker.size() == 400);
  CHECK(status->failures == 1ULL << 53);
  CHECK(status->transitions.size() == 1000);
  CHECK(status->transitions[0].at_epoch_ms == 1LL << 50);
  CHECK(status->transitions[0].cause == " [31mred ");
}

TEST_CASE("the upstream's fault is read, with the callers whose network is broken") {
  const auto fault = read_fault(answer(R"({"failure_rate":0.6,"latency_ms":40,"hang_rate":0.1,"drop_rate":7,
    "plan":"flaky 0.6","dropped_callers":["Instance-B",5]})"));
  REQUIRE(fault);
  CHECK(fault->failure_rate == 0.6);
  CHECK(fault->latency_ms == 40);
  CHECK(fault->hang_rate == 0.1);
  CHECK(fault->drop_rate == 1);
  CHECK(fault->plan == "flaky 0.6");
  CHECK(fault->dropped_callers == std::vector<std::string>{"Instance-B"});
  CHECK_FALSE(read_fault(answer("[]")));
  CHECK_FALSE(read_fault(answer("{}", 404)));
}
