#include "distributed_breaker/reporting/notable_calls.hpp"

#include <doctest/doctest.h>

#include <thread>

using namespace cb;

namespace {

NotableCall call(CallStatus status) { return {.context = "", .at = {}, .status = status}; }

}  // namespace

TEST_CASE("kept is what failed, probed or came late; a plain success and a rejection tell nothing") {
  NotableCalls notable;
  notable.note(call(CallStatus::success));
  notable.note(call(CallStatus::blocked));
  CHECK(notable.calls().empty());
  notable.note(call(CallStatus::failure));
  notable.note(call(CallStatus::exception));
  NotableCall probe = call(CallStatus::success), late = call(CallStatus::success);
  probe.probe = true;
  late.late = true;
  notable.note(probe);
  notable.note(late);
  const auto calls = notable.calls();
  REQUIRE(calls.size() == 4);
  CHECK(calls[0].status == CallStatus::failure);
  CHECK(calls[1].status == CallStatus::exception);
  CHECK(calls[2].probe);
  CHECK(calls[3].late);
  for (size_t i = 0; i < calls.size(); ++i) CHECK(calls[i].number == i + 1);
}

TEST_CASE("the oldest of more than 100 calls is forgotten, and no number comes twice") {
  NotableCalls notable;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 50; ++n) notable.note(call(CallStatus::failure));
    });
  }
  threads.clear();
  const auto calls = notable.calls();
  REQUIRE(calls.size() == 100);
  for (size_t i = 0; i < calls.size(); ++i) CHECK(calls[i].number == 101 + i);
}
