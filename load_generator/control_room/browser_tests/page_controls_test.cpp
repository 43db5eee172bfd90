// Everything can be done without a mouse: Tab reaches it, and keys work it.
#include <doctest/doctest.h>

#include <set>

#include "load_generator/control_room/browser_tests/ui_for_test.hpp"

using namespace load;
using nlohmann::json;

namespace {

// What has the focus, by the name under which index.html lists it.
constexpr const char* focused = R"(
  const at = document.activeElement;
  const lane = at.closest('[data-lane]');
  if (lane) return `lane ${lane.dataset.lane}`;
  for (const kind of ['fault', 'network', 'override']) if (at.dataset[kind]) return `${kind} ${at.dataset[kind]}`;
  return at.id || at.tagName.toLowerCase();)";

constexpr int most_tabs = 100;

void tab_to(const Browser& browser, const std::string& wanted) {
  for (int i = 0; i < most_tabs; ++i) {
    if (browser.run(focused) == wanted) return;
    browser.press(key::tab);
  }
  FAIL("Tab does not reach ", wanted);
}

std::set<std::string> all_that_tab_reaches(const Browser& browser) {
  std::set<std::string> reached;
  for (int i = 0; i < most_tabs; ++i) {
    browser.press(key::tab);
    reached.insert(browser.run(focused).get<std::string>());
  }
  return reached;
}

void type_keys(const Browser& browser, const std::string& text) {
  for (const char letter : text) browser.press(std::string(1, letter));
}

void wait_for_pressed(const Browser& browser, const std::string& css) {
  browser.until("document.querySelector(arguments[0]).getAttribute('aria-pressed') === 'true'", {css});
}

}  // namespace

TEST_CASE("Tab reaches every control and every lane, and each has a name that is read out") {
  const Ui ui({"--stage", "distributed", "--rate", "10"});
  Browser browser;
  open_ui(browser, ui.url(), 3);
  browser.until(
      "document.querySelector('#scenario').options.length > 0 && !document.querySelector('#scenario').disabled");
  const auto reached = all_that_tab_reaches(browser);
  for (const std::string name : {"fault healthy",
                                 "fault flaky",
                                 "fault slow",
                                 "fault down",
                                 "rate",
                                 "rate-apply",
                                 "rate-stop",
                                 "network Instance-A",
                                 "network Instance-B",
                                 "network Instance-C",
                                 "override forced_open",
                                 "override forced_closed",
                                 "override auto",
                                 "scenario",
                                 "variant",
                                 "guess",
                                 "no-guess",
                                 "window",
                                 "lane Instance-A",
                                 "lane Instance-B",
                                 "lane Instance-C"}) {
    CHECK_MESSAGE(reached.contains(name), name);
  }
  const json nameless = browser.run(R"(
    const name = (node) => node.getAttribute('aria-label') || node.textContent.trim() ||
      [...(node.labels || [])].map((label) => label.textContent.trim()).join('');
    return [...document.querySelectorAll('button, input, select, summary, [tabindex]')]
      .filter((node) => node.checkVisibility() && !name(node)).map((node) => node.outerHTML);)");
  CHECK_MESSAGE(nameless.empty(), nameless.dump());
  check_manners(browser, ui.url());
}

TEST_CASE("faults, load, networks and overrides are set by keys alone") {
  const Ui ui({"--stage", "distributed", "--rate", "10"});
  Browser browser;
  open_ui(browser, ui.url(), 3);
  for (const std::string fault : {"flaky", "slow", "down", "healthy"}) {
    tab_to(browser, "fault " + fault);
    browser.press(key::enter);
    wait_for_pressed(browser, "[data-fault=" + fault + "]");
  }
  tab_to(browser, "rate");
  browser.run("document.activeElement.select()");
  type_keys(browser, "25");
  browser.press(key::enter);
  browser.until("Lab.room.frame.load.rate === 25");
  tab_to(browser, "rate-stop");
  browser.press(key::space);
  browser.until("Lab.room.frame.load.rate === 0");
  tab_to(browser, "network Instance-B");
  browser.press(key::enter);
  wait_for_pressed(browser, "[data-network=Instance-B]");
  for (const std::string mode : {"forced_open", "forced_closed", "auto"}) {
    tab_to(browser, "override " + mode);
    browser.press(key::space);
    wait_for_pressed(browser, "[data-override=" + mode + "]");
  }
  tab_to(browser, "window");
  browser.press(key::up);
  CHECK(browser.run("return document.querySelector('#window').value") == "60000");
  check_manners(browser, ui.url());
}

TEST_CASE("a scenario is chosen, predicted, watched and replayed by keys alone, and lanes tell what happened") {
  const Ui ui({"--stage", "distributed", "--rate", "0"});
  Browser browser;
  open_ui(browser, ui.url(), 3);
  browser.until(
      "document.querySelector('#scenario').options.length > 0 && !document.querySelector('#scenario').disabled");
  tab_to(browser, "scenario");
  browser.press(key::down);
  CHECK(browser.run("return document.querySelector('#scenario').value") == "outage-10");
  browser.press(key::up);
  CHECK(browser.run("return document.querySelector('#scenario').value") == "outage");
  tab_to(browser, "variant");
  browser.press(key::end);
  CHECK(browser.run("return document.querySelector('#variant').value") == "redis");
  tab_to(browser, "guess");
  type_keys(browser, "9");
  tab_to(browser, "start-scenario");
  browser.press(key::enter);
  browser.until("document.activeElement.id === 'stop-scenario'");
  browser.until("document.querySelector('#verdict').hidden === false");
  CHECK(browser.run(focused) == "verdict");
  CHECK(browser.text("[data-result=guess]") == "9");

  CHECK(browser.text("#title") == "replay");
  tab_to(browser, "replay-slider");
  browser.press(key::home);
  browser.until("Number(document.querySelector('#replay-slider').value) === 0");
  browser.press(key::right);
  browser.until("Number(document.querySelector('#replay-slider').value) > 0");
  const json named =
      browser.run("return ['previous', 'next'].map((id) => document.getElementById(`replay-${id}`).ariaLabel)");
  CHECK(named == json{"Previous change", "Next change"});
  tab_to(browser, "replay-next");
  browser.press(key::enter);
  const std::string words = browser.text("#replay-words");  // "At 1.04 s: Instance-B, closed -> open: ..."
  const auto reporter = words.find("Instance-");
  REQUIRE(reporter != std::string::npos);
  CHECK(browser.attribute("[data-lane=" + words.substr(reporter, 10) + "]", "data-state") == "open");
  tab_to(browser, "replay-speed");
  browser.press(key::end);
  CHECK(browser.run("return document.querySelector('#replay-speed').value") == "20");
  tab_to(browser, "replay-play");
  browser.press(key::enter);
  browser.until("document.querySelector('#replay-slider').value === document.querySelector('#replay-slider').max");

  tab_to(browser, "lane Instance-A");
  browser.press(key::end);
  CHECK(browser.text(".tip").find("Instance-A") != std::string::npos);
  CHECK(browser.run("return document.activeElement.ariaValueText.includes(' since ')") == true);
  tab_to(browser, "replay-live");
  browser.press(key::enter);
  browser.until("document.body.dataset.mode === 'live'");
  CHECK(browser.run(focused) == "stage");
  CHECK(browser.text("#title") == "live");
  tab_to(browser, "replay-run");
  browser.press(key::enter);
  browser.until("document.body.dataset.mode === 'replay'");
  check_manners(browser, ui.url());
}
