// What lanes tell, by keys and by pointers, of a story that is made up.
#include <doctest/doctest.h>

#include "load_generator/control_room/browser_tests/ui_for_test.hpp"

using namespace load;
using nlohmann::json;

namespace {

const std::string tip = "document.querySelector('.tip')";

json transition(int at_ms, const std::string& to, const std::string& cause) {
  return {{"at_ms_since_start", at_ms},
          {"instance", "Instance-A"},
          {"generation", 2},
          {"from", to == "open" ? "closed" : "open"},
          {"to", to},
          {"cause", cause}};
}

json mark(int at_ms) { return {{"at_ms_since_start", at_ms}, {"instance", "Instance-A"}, {"status", "failure"}}; }

json point(int at_ms, const std::string& state) { return {{"at_ms_since_start", at_ms}, {"state", state}}; }

// As that state, with a while in it for which Redis was away.
json alone_for_a_while(int at_ms, const std::string& state) {
  json alone = point(at_ms + 10000, state);
  alone["store"] = "local";
  return json::array({point(at_ms, state), alone, point(at_ms + 20000, state)});
}

// A story of another fleet than before; only Instance-A has one.
json story(int from_ms, int now_ms, const json& states, const json& transitions, const json& marks) {
  static int fleet = 1000;
  return {{"fleet", ++fleet},           {"from_ms", from_ms}, {"now_ms", now_ms}, {"states", {{"Instance-A", states}}},
          {"transitions", transitions}, {"marks", marks}};
}

void focus_first_lane(const Browser& browser) { browser.run("document.querySelector('[data-lane] svg').focus()"); }

std::string told_by(const Browser& browser, const std::string& key) {
  focus_first_lane(browser);
  browser.press(key);
  return browser.text(".tip");
}

}  // namespace

TEST_CASE("keys stop at every change, however many marks lie round it, and tell its cause") {
  const Ui ui({"--stage", "distributed", "--rate", "0"});
  Browser browser;
  open_ui(browser, ui.url(), 3);
  json marks = json::array();
  for (int at_ms = 5000; at_ms <= 25000; at_ms += 500) marks.push_back(mark(at_ms));
  json transitions = json::array({transition(10100, "open", "cause 1."), transition(15100, "closed", "cause 2.")});
  for (int i = 3; i < 12; ++i)
    transitions.push_back(transition(20000 + 20 * i, "open", "cause " + std::to_string(i) + "."));
  show_frame(browser, story(0, 30000, json::array({point(0, "closed")}), transitions, marks));
  focus_first_lane(browser);
  browser.press(key::home);
  std::string told;
  for (std::string before; before != browser.text(".tip"); browser.press(key::right)) {
    before = browser.text(".tip");
    told += before;
  }
  for (int i = 1; i < 12; ++i) CHECK(told.find("cause " + std::to_string(i) + ".") != std::string::npos);
  check_manners(browser, ui.url());
}

TEST_CASE("a state is told since it began, whatever the store meanwhile, and since before what the page knows of") {
  const Ui ui({"--stage", "distributed", "--rate", "0"});
  Browser browser;
  open_ui(browser, ui.url(), 3);
  json began = story(0, 60000, alone_for_a_while(20000, "open"), json::array(), json::array({mark(50000)}));
  show_frame(browser, began);
  CHECK(told_by(browser, key::end).ends_with("open since 20.00 s"));
  began["from_ms"] = 60000;
  began["now_ms"] = 175000;  // what is older than two minutes is forgotten
  began["states"] = {{"Instance-A", json::array({point(60000, "open")})}};
  began["marks"] = json::array({mark(100000)});
  show_frame(browser, began);
  CHECK(told_by(browser, key::end).ends_with("open since 20.00 s"));
  show_frame(browser,
             story(81000, 201000, alone_for_a_while(81000, "closed"), json::array(), json::array({mark(150000)})));
  CHECK(told_by(browser, key::end).ends_with("closed since before 1:21.0"));
}

TEST_CASE("nothing of another fleet's chart stays, nor its figures") {
  const Ui ui({"--stage", "distributed", "--rate", "0"});
  Browser browser;
  open_ui(browser, ui.url(), 3);
  json told = story(0, 60000, json::array(), json::array(), json::array());
  const std::vector<int> steps(100, 4);
  told["traffic"] = {
      {"step_ms", 500}, {"first_step", 0}, {"upstream_calls", steps}, {"upstream_failures", steps}, {"blocked", steps}};
  show_frame(browser, told);
  const std::string values =
      "return [...document.querySelectorAll('.traffic .value')].map((value) => value.textContent)";
  CHECK(browser.run(values) == json{"0", "8", "8"});
  CHECK(browser.count(".chart canvas") > 0);
  told = story(0, 0, json::array(), json::array(), json::array());
  told["traffic"] = {{"step_ms", 500},
                     {"first_step", 0},
                     {"upstream_calls", json::array()},
                     {"upstream_failures", json::array()},
                     {"blocked", json::array()}};
  show_frame(browser, told);
  CHECK(browser.run(values) == json{"–", "–", "–"});
  CHECK(browser.count(".chart canvas") == 0);
  check_manners(browser, ui.url());
}

TEST_CASE("the state that is told is the one after all the changes that are told with it") {
  const Ui ui({"--stage", "distributed", "--rate", "0"});
  Browser browser;
  open_ui(browser, ui.url(), 3);
  show_frame(browser, story(0, 60000, {point(0, "closed"), point(20000, "open"), point(20300, "closed")},
                            {transition(20000, "open", "ill"), transition(20300, "closed", "well")}, json::array()));
  const std::string told = told_by(browser, key::home);
  CHECK(told.starts_with("20.00 s, Instance-A"));
  CHECK(told.find("well") != std::string::npos);
  CHECK(told.ends_with("closed since 20.30 s"));
}

TEST_CASE("what is told moves on with the lanes, and goes when they have left it behind") {
  const Ui ui({"--stage", "distributed", "--rate", "0"});
  Browser browser;
  open_ui(browser, ui.url(), 3);
  json told =
      story(0, 130000, json::array({point(0, "closed")}), json::array(), json::array({mark(20000), mark(40000)}));
  show_frame(browser, told);
  told_by(browser, key::home);
  const auto scroll_to = [&](int now_ms) {
    told["from_ms"] = 130000;
    told["now_ms"] = now_ms;
    told["states"] = json::object();
    told["marks"] = json::array();
    show_frame(browser, told);
  };
  scroll_to(135000);
  const double hairline = browser.run("return document.querySelector('.hairline').getBoundingClientRect().left");
  const double told_at = browser.run(R"(
    return document.querySelector('[data-lane] svg').getBoundingClientRect().left + Lab.room.lanes.view.seenX(20000);)");
  CHECK(hairline == doctest::Approx(told_at).epsilon(0.01));
  CHECK(browser.run("return " + tip + ".checkVisibility()") == true);
  scroll_to(142000);
  CHECK(browser.run("return " + tip + ".checkVisibility()") == false);
}

TEST_CASE("a lane's value is its present state, and while it has the focus what keys chose, said once") {
  const Ui ui({"--stage", "distributed", "--rate", "0"});
  Browser browser;
  open_ui(browser, ui.url(), 3);
  const json began = story(0, 60000, json::array({point(0, "closed")}), json::array({transition(20000, "open", "ill")}),
                           json::array());
  show_frame(browser, began);
  const std::string value = R"(
    const {ariaValueNow: now, ariaValueMax: max, ariaValueText: text} = document.querySelector('[data-lane] svg');
    return [Number(now) <= Number(max) ? Number(now) : 'too large', text];)";
  CHECK(browser.run(value)[0] >= 60000);
  CHECK(browser.run(value)[1] == "closed");
  told_by(browser, key::home);
  json later = began;
  later["now_ms"] = 140000;
  show_frame(browser, later);
  CHECK(browser.run(value)[0] == 20000);
  CHECK(browser.run(value)[1].get<std::string>().starts_with("20.00 s: closed → open: ill"));
  CHECK(browser.run("return document.querySelector('#announcer').textContent").get<std::string>().find("ill") ==
        std::string::npos);
  browser.run("document.activeElement.blur()");
  show_frame(browser, later);
  CHECK(browser.run(value)[0] >= 140000);
  CHECK(browser.run(value)[1] == "closed");
}

TEST_CASE("what a finger pointed at can be read when the finger is gone, until the next tap elsewhere") {
  const Ui ui({"--stage", "distributed", "--rate", "0"});
  Browser browser;
  open_ui(browser, ui.url(), 3, {390, 844, Looks::Device::phone, Looks::Colours::light});
  browser.devtools("Emulation.setTouchEmulationEnabled", {{"enabled", true}});
  show_frame(browser, story(0, 60000, json::array({point(0, "closed")}),
                            json::array({transition(20000, "open", "ill")}), json::array()));
  const auto tap = [&](const json& at) {
    browser.devtools("Input.dispatchTouchEvent", {{"type", "touchStart"}, {"touchPoints", json::array({at})}});
    browser.devtools("Input.dispatchTouchEvent", {{"type", "touchEnd"}, {"touchPoints", json::array()}});
  };
  tap(browser.run(R"(
    const {left, top} = document.querySelector('[data-lane] svg').getBoundingClientRect();
    return {x: left + Lab.room.lanes.view.seenX(20000), y: top + 20};)"));
  browser.until(tip + ".checkVisibility() && " + tip + ".textContent.includes('ill')");
  tap({{"x", 20}, {"y", 20}});
  browser.until("!" + tip + ".checkVisibility()");
}

TEST_CASE("a lane keeps the focus when its fleet is another one") {
  const Ui ui({"--stage", "distributed", "--rate", "0"});
  Browser browser;
  open_ui(browser, ui.url(), 3);
  focus_first_lane(browser);
  show_frame(browser, story(0, 60000, json::array({point(0, "closed")}), json::array(), json::array()));
  CHECK(browser.run("return document.activeElement.closest('[data-lane]')?.dataset.lane") == "Instance-A");
}
