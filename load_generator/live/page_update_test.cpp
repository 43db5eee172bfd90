#include "load_generator/live/page_update.hpp"

#include <doctest/doctest.h>

#include "load_generator/live/recent_history_for_test.hpp"

using namespace load;
using std::chrono::milliseconds;

namespace {

nlohmann::ordered_json counts(uint64_t success, uint64_t failure, uint64_t exception, uint64_t blocked) {
  return {{"success", success}, {"failure", failure}, {"exception", exception}, {"blocked", blocked}};
}

}  // namespace

TEST_CASE("the sum of all calls keeps those from before a restart, and an instance's counts are those of its status") {
  RecentHistory history(two_instances, start_epoch_ms);
  InstanceStatus a = status_of("Instance-A");
  InstanceStatus b = status_of("Instance-B");
  a.calls = {10, 3, 1, 5};
  b.calls = {2, 0, 0, 0};
  record(history, 0, milliseconds(100), a);
  record(history, 1, milliseconds(100), b);
  CHECK(page_update(history.snapshot(milliseconds(100)), Offset(0))["calls"] == counts(12, 3, 1, 5));
  record(history, 0, milliseconds(200), std::nullopt);
  CHECK(page_update(history.snapshot(milliseconds(200)), Offset(0))["calls"] == counts(12, 3, 1, 5));
  a.calls = {0, 0, 0, 7};  // restarted, and it has blocked more than before, but nothing else
  record(history, 0, milliseconds(300), a);
  auto json = page_update(history.snapshot(milliseconds(300)), Offset(0));
  CHECK(json["calls"] == counts(12, 3, 1, 12));
  CHECK(json["instances"][0]["calls"] == counts(0, 0, 0, 7));
  CHECK(json["traffic"]["blocked"] == nlohmann::ordered_json::array({7}));
  a.calls = {1, 0, 0, 0};  // and once more
  record(history, 0, milliseconds(600), a);
  record(history, 0, milliseconds(700), a);
  json = page_update(history.snapshot(milliseconds(700)), Offset(0));
  CHECK(json["calls"] == counts(13, 3, 1, 12));
  CHECK(json["traffic"]["blocked"] == nlohmann::ordered_json::array({7, 0}));
}

TEST_CASE("an instance's network is broken if the upstream drops its caller name, whatever its name on the page") {
  RecentHistory history({{{"", "http://a"}, {"", "http://b"}, {"", "http://c"}}, "http://upstream"}, 0);
  const auto broken = [&](size_t instance) {
    const auto json = page_update(history.snapshot(milliseconds(200)), Offset(0))["instances"][instance];
    return json.contains("network_broken") && json["network_broken"] == true;
  };
  const auto drop_calls_of = [&](const std::string& caller) {
    history.record_fault(milliseconds(90), UpstreamFault{0, 0, 0, 0, "", {caller}});
  };
  record(history, 0, milliseconds(100), status_of("Instance-A"));
  record(history, 1, milliseconds(100), status_of("Instance-A"));
  CHECK(page_update(history.snapshot(milliseconds(200)), Offset(0))["instances"][0]["network_broken"] == false);
  drop_calls_of("Instance-A");
  CHECK(page_update(history.snapshot(milliseconds(200)), Offset(0))["upstream"]["asked_ms"] == 90);
  CHECK(broken(0));
  CHECK(broken(1));
  CHECK_FALSE(broken(2));
  drop_calls_of("Instance-A (http://b)");
  CHECK_FALSE(broken(0));
  CHECK_FALSE(broken(1));
  drop_calls_of("");
  CHECK_FALSE(broken(2));  // its caller name is not known yet
}
