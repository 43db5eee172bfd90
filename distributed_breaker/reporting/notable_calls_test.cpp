#include "distributed_breaker/reporting/notable_calls.hpp"

#include <doctest/doctest.h>

#include <thread>

using namespace cb;

namespace {

NotableCall call(CallStatus status) { return {.context = "", .at = {}, .status = status}; }

}  // namespace

TEST_CASE("failed calls, probes and late results are notable; plain successes and rejections are not") {
  NotableCalls notable;
  notable.record(call(CallStatus::success));
  notable.record(call(CallStatus::blocked));
  CHECK(notable.calls().empty());
  notable.record(call(CallStatus::failure));
  notable.record(call(CallStatus::exception));
  NotableCall probe = call(CallStatus::success), late = call(CallStatus::success);
  probe.probe = true;
  late.late = true;
  notable.record(probe);
  notable.record(late);
  const auto calls = notable.calls();
  REQUIRE(calls.size() == 4);
  CHECK(calls[0].status == CallStatus::failure);
  CHECK(calls[1].status == CallStatus::exception);
  CHECK(calls[2].probe);
  CHECK(calls[3].late);
  for (size_t i = 0; i < calls.size(); ++i) CHECK(calls[i].number == i + 1);
}

TEST_CASE("of more than 100 calls the oldest are dropped, and no number repeats") {
  NotableCalls notable;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 50; ++n) notable.record(call(CallStatus::failure));
    });
  }
  threads.clear();
  const auto calls = notable.calls();
  REQUIRE(calls.size() == 100);
  for (size_t i = 0; i < calls.size(); ++i) CHECK(calls[i].number == 101 + i);
}
