#include "load_generator/control_room/live_frame.hpp"

#include <doctest/doctest.h>

using namespace load;
using std::chrono::milliseconds;

namespace {

const WatchedFleet two{{{"", "http://a"}, {"", "http://b"}}, "http://upstream"};

InstanceStatus saying(const std::string& name) {
  InstanceStatus status;
  status.name = name;
  status.state = State::closed;
  status.store = "memory";
  return status;
}

nlohmann::ordered_json counts(uint64_t success, uint64_t failure, uint64_t exception, uint64_t blocked) {
  return {{"success", success}, {"failure", failure}, {"exception", exception}, {"blocked", blocked}};
}

}  // namespace

TEST_CASE("what an instance counted before it began anew stays in the sum of all, and its own counts are its word") {
  LiveWindow window(two, 0);
  InstanceStatus a = saying("Instance-A");
  InstanceStatus b = saying("Instance-B");
  a.calls = {10, 3, 1, 5};
  b.calls = {2, 0, 0, 0};
  window.take_status(0, milliseconds(100), a);
  window.take_status(1, milliseconds(100), b);
  CHECK(live_frame(window, milliseconds(100), Offset(0))["calls"] == counts(12, 3, 1, 5));
  window.take_status(0, milliseconds(200), std::nullopt);
  CHECK(live_frame(window, milliseconds(200), Offset(0))["calls"] == counts(12, 3, 1, 5));
  a.calls = {0, 0, 0, 7};  // started again: it has blocked more than before, but nothing else
  window.take_status(0, milliseconds(300), a);
  auto json = live_frame(window, milliseconds(300), Offset(0));
  CHECK(json["calls"] == counts(12, 3, 1, 12));
  CHECK(json["instances"][0]["calls"] == counts(0, 0, 0, 7));
  CHECK(json["traffic"]["blocked"] == nlohmann::json{7});
  a.calls = {1, 0, 0, 0};  // and once more
  window.take_status(0, milliseconds(600), a);
  window.take_status(0, milliseconds(700), a);
  json = live_frame(window, milliseconds(700), Offset(0));
  CHECK(json["calls"] == counts(13, 3, 1, 12));
  CHECK(json["traffic"]["blocked"] == nlohmann::json{7, 0});
}
