// For tests: instances of a stage with a short recovery_timeout, their control room, which may end them, and a page.
#pragma once

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "load_generator/control_room/tests/page_for_test.hpp"
#include "load_generator/control_room/tests/room_for_test.hpp"
#include "load_generator/fleet/fleet.hpp"

namespace load {

class LiveRoom {
 public:
  using json = nlohmann::ordered_json;

  explicit LiveRoom(Stage stage)
      : fleet_(scenario(), variant(stage)),
        room({fleet_.targets(), fleet_.upstream()}, HttpApi::write_timeout, &fleet_),
        page(room.url()) {
    page.look_on();
    REQUIRE(page.sees([](const json& picture) {
      return picture["agreement"]["text"] == "3 closed" && picture["upstream"]["answers"] == true;
    }));
  }

  // Returns the sentence that says what was done.
  std::string apply(const std::string& control, const json& body) {
    const auto answer = page.post("/control/" + control, body);
    CAPTURE(answer.body.dump());
    CHECK(answer.status == 200);
    return answer.body.value("done", "");
  }
  Fleet& fleet() { return fleet_; }
  int status_of(const std::string& control, const json& body) { return page.post("/control/" + control, body).status; }
  bool has_states(const std::string& text) {
    return page.sees([&](const json& picture) { return picture["agreement"]["text"] == text; });
  }
  bool drops(const std::vector<std::string>& callers) {
    return page.sees(
        [&](const json& picture) { return picture["upstream"]["fault"]["dropped_callers"] == json(callers); });
  }
  bool has_phase(const std::string& phase) {
    return page.sees(
        [&](const json& picture) { return picture["scenario"].is_object() && picture["scenario"]["phase"] == phase; });
  }
  bool is_live_again() {
    return page.sees([](const json& picture) { return picture["title"] == "live" && picture["can_control"] == true; });
  }

 private:
  static Scenario scenario() {
    Scenario scenario;
    scenario.file = "test";
    return scenario;
  }
  static Variant variant(Stage stage) {
    Variant variant;
    variant.stage = stage;
    variant.breaker = {{"recovery_timeout", "300ms"}};
    if (stage == Stage::redis) variant.instance = {{"redis_timeout", "5s"}};  // for a busy machine
    return variant;
  }

  Fleet fleet_;

 public:
  RoomForTest room;
  PageForTest page;
};

}  // namespace load
