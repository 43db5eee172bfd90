#include "load_generator/api/instance_api.hpp"

#include <doctest/doctest.h>

#include <ctime>
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

TEST_CASE("a status has the breaker, its store, the calls, and the notable ones") {
  const auto status = read_status(answer(R"({"instance":"Instance-A","at_ms":1763740000250,
    "breaker":{"name":"unreliable_service","state":"open","failures":3,"generation":7,"retry_after_ms":900,
               "store":"redis","store_error":"no route","view_age_ms":12,"late_results":2,
               "override":{"mode":"forced_open","actor":"me"}},
    "calls":{"success":5,"failure":3,"exception":1,"blocked":9},
    "notable_calls":[{"number":4,"at_ms":1763740000000,"age_ms":250,"status":"failure","generation":6,"probe":true,"late":true,
                      "upstream_calls":2},
                     {"number":5,"at_ms":1763740000001,"status":"failure","context":"tenant"}]})"));
  REQUIRE(status);
  CHECK(status->at_epoch_ms == 1763740000250);
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
  CHECK(status->notable_calls[0].age_ms == 250);
  const Call& call = status->notable_calls[0].call;
  CHECK(call.status == CallStatus::failure);
  CHECK(call.probe);
  CHECK(call.late);
  CHECK(call.upstream_calls == 2);
}

TEST_CASE("a call that could not connect has not arrived; any other one without an outcome may have") {
  CHECK_FALSE(read_call(program::HttpReply{.error = "Connection refused", .connected = false}).may_have_arrived);
  CHECK(read_call(program::HttpReply{.error = "Timeout was reached", .connected = true}).may_have_arrived);
  CHECK(read_call(answer("no outcome", 502)).may_have_arrived);
}

TEST_CASE("a ledger of very many callers has a thousand of them, and one entry for the others") {
  std::string callers;
  for (int i = 0; i < 3000; ++i) {
    callers += (i == 0 ? "" : ",") + ("\"caller-" + std::to_string(i)) + R"(":{"received":2,"failure":1})";
  }
  const auto ledger = read_ledger(R"({"callers":{)" + callers + "}}");
  REQUIRE(ledger);
  CHECK(ledger->size() == 1001);
  CHECK(ledger->at("caller-0").received == 2);
  CHECK(ledger->at("(others)").received == 4000);
  CHECK(ledger->at("(others)").failure == 2000);
}

TEST_CASE("a ledger's growth is the difference to an earlier one, or all of it after a reset") {
  const Ledger before{{"A", {20, 0, 20, 0, 0}}, {"B", {3, 3, 0, 0, 0}}};
  const Ledger grown = difference(before, {{"A", {25, 5, 20, 0, 0}}, {"B", {3, 3, 0, 0, 0}}, {"C", {1, 1, 0, 0, 0}}});
  CHECK(grown.size() == 2);
  CHECK(grown.at("A").received == 5);
  CHECK(grown.at("A").success == 5);
  CHECK(grown.at("A").failure == 0);
  CHECK(grown.at("C").received == 1);

  const Ledger reset = difference(before, {{"A", {69, 69, 0, 0, 0}}, {"B", {4, 4, 0, 0, 0}}});
  CHECK(reset.at("A").received == 69);
  CHECK(reset.at("A").failure == 0);
  CHECK(reset.at("B").received == 4);
  CHECK(difference(before, {{"B", {9, 9, 0, 0, 0}}}).at("B").received == 9);
}

namespace {

double seconds_of_this_thread() {  // without the time of other threads on its core
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

}  // namespace

TEST_CASE("reading a body of very many fields takes time in proportion to its length") {
  const auto seconds_for = [](int fields) {
    std::string body = R"({"breaker":{"state":"open","store":"memory"})";
    for (int i = 0; i < fields; ++i) body += ",\"" + std::to_string(i) + "\":0";
    const double start = seconds_of_this_thread();
    CHECK(read_status(answer(body + "}")));
    return seconds_of_this_thread() - start;
  };
  seconds_for(1000);
  CHECK(seconds_for(50'000) <
        200 * seconds_for(1000));  // 50 times; 2500 times if each field were compared with all others
}

TEST_CASE("a field of a status that has the wrong type counts as missing") {
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

TEST_CASE("texts, lists, numbers and times of a status are bounded") {
  nlohmann::json body{{"breaker", {{"name", std::string(5000, 'n')}, {"failures", UINT64_MAX}}}};
  for (int i = 0; i < 5000; ++i)
    body["transitions"].push_back({{"at_ms", UINT64_MAX}, {"age_ms", UINT64_MAX}, {"cause", "\033[31mred\n"}});
  const auto status = read_status(answer(body.dump()));
  REQUIRE(status);
  CHECK(status->breaker.size() == 400);
  CHECK(status->failures == 1ULL << 53);
  CHECK(status->transitions.size() == 1000);
  CHECK(status->transitions[0].at_epoch_ms == 1LL << 50);
  CHECK(status->transitions[0].age_ms == 1LL << 50);
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
