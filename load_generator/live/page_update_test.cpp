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

TEST_CASE("what an instance counted before it began anew stays in the sum of all, and its own counts are its word") {
  LiveWindow window(two, began);
  InstanceStatus a = saying("Instance-A");
  InstanceStatus b = saying("Instance-B");
  a.calls = {10, 3, 1, 5};
  b.calls = {2, 0, 0, 0};
  take(window, 0, milliseconds(100), a);
  take(window, 1, milliseconds(100), b);
  CHECK(live_frame(window, milliseconds(100), Offset(0))["calls"] == counts(12, 3, 1, 5));
  take(window, 0, milliseconds(200), std::nullopt);
  CHECK(live_frame(window, milliseconds(200), Offset(0))["calls"] == counts(12, 3, 1, 5));
  a.calls = {0, 0, 0, 7};  // started again: it has blocked more than before, but nothing else
  take(window, 0, milliseconds(300), a);
  auto json = live_frame(window, milliseconds(300), Offset(0));
  CHECK(json["calls"] == counts(12, 3, 1, 12));
  CHECK(json["instances"][0]["calls"] == counts(0, 0, 0, 7));
  CHECK(json["traffic"]["blocked"] == nlohmann::ordered_json::array({7}));
  a.calls = {1, 0, 0, 0};  // and once more
  take(window, 0, milliseconds(600), a);
  take(window, 0, milliseconds(700), a);
  json = live_frame(window, milliseconds(700), Offset(0));
  CHECK(json["calls"] == counts(13, 3, 1, 12));
  CHECK(json["traffic"]["blocked"] == nlohmann::ordered_json::array({7, 0}));
}

TEST_CASE("an instance's network is broken where the upstream drops the name that it calls by, not the page's") {
  LiveWindow window({{{"", "http://a"}, {"", "http://b"}, {"", "http://c"}}, "http://upstream"}, 0);
  const auto broken = [&](size_t instance) {
    const auto json = live_frame(window, milliseconds(200), Offset(0))["instances"][instance];
    return json.contains("network_broken") && json["network_broken"] == true;
  };
  const auto drop = [&](const std::string& caller) { window.take_fault(UpstreamFault{0, 0, 0, 0, "", {caller}}); };
  take(window, 0, milliseconds(100), saying("Instance-A"));
  take(window, 1, milliseconds(100), saying("Instance-A"));
  CHECK(live_frame(window, milliseconds(200), Offset(0))["instances"][0]["network_broken"] == false);
  drop("Instance-A");
  CHECK(broken(0));
  CHECK(broken(1));
  CHECK_FALSE(broken(2));
  drop("Instance-A (http://b)");
  CHECK_FALSE(broken(0));
  CHECK_FALSE(broken(1));
  drop("");
  CHECK_FALSE(broken(2));  // nobody knows yet by what name it calls
}
