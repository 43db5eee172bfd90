// The replay of runs that are made up, with what real ones have seldom: transitions before the load begins, after its
// end, and several at once.
#include <doctest/doctest.h>

#include "load_generator/control_room/browser_tests/ui_for_test.hpp"

using namespace load;
using nlohmann::json;

namespace {

json transition(double at_ms, const std::string& instance, const std::string& to, const std::string& cause) {
  return {{"at_ms_since_start", at_ms},
          {"instance", instance},
          {"generation", 2},
          {"from", "closed"},
          {"to", to},
          {"cause", cause}};
}

json made_up_run(const json& transitions) {
  const json closed = json::array({{{"at_ms_since_start", 1.2}, {"state", "closed"}}});
  return {{"name", "made-up"},
          {"variant", "distributed"},
          {"question", "What if?"},
          {"instances", {"Instance-A", "Instance-B"}},
          {"length_ms", 1000},
          {"transitions", transitions},
          {"states", {{"Instance-A", closed}, {"Instance-B", closed}}},
          {"marks", json::array()},
          {"traffic",
           {{"step_ms", 200},
            {"upstream_calls", {1, 2, 3, 4, 5}},
            {"upstream_failures", {1, 1, 1, 1, 1}},
            {"blocked", {0, 0, 0, 0, 1}}}}};
}

void replay(const Browser& browser, const json& run) {
  browser.run("Lab.room.replay.open(arguments[0])", json::array({run}));
}

json counted(const Browser& browser, const std::string& kind) {
  return browser.run("return " + number_in("[data-replay-count=" + kind + "]"));
}

// Answered, failed and blocked, in calls a second.
json chart_values(const Browser& browser) {
  return browser.run("return [...document.querySelectorAll('.traffic .value')].map((value) => value.textContent)");
}

}  // namespace

TEST_CASE("what happened before the load began is at a replay's beginning, where no call is counted yet") {
  const Ui ui({"--stage", "distributed", "--rate", "0"});
  Browser browser;
  open_ui(browser, ui.url(), 3);
  replay(browser, made_up_run(json::array({transition(-1.494, "Instance-A", "open", "forced open"),
                                           transition(500, "Instance-A", "closed", "by itself again")})));
  CHECK(counted(browser, "upstream_calls") == 15);
  for (int i = 0; i < 3; ++i) {  // to the last, to the first, and to nothing at all
    browser.click("#replay-previous");
    CHECK(browser.text("#replay-time") == (i == 0 ? "0.50 s of 1.00 s" : "0.00 s of 1.00 s"));
    CHECK(counted(browser, "upstream_calls") == (i == 0 ? 3 : 0));
    CHECK(browser.run("return Lab.room.replay.cursor >= 0") == true);
  }
  check_manners(browser, ui.url());
}

TEST_CASE("between two steps a replay counts calls up to the step before, and says so") {
  const Ui ui({"--stage", "distributed", "--rate", "0"});
  Browser browser;
  open_ui(browser, ui.url(), 3);
  replay(browser, made_up_run(json::array({transition(150, "Instance-A", "open", "early"),
                                           transition(590, "Instance-A", "closed", "between")})));
  const auto calls_are_of = [&] { return browser.run("return document.querySelector('.stepped-to').textContent"); };
  CHECK(calls_are_of() == " up to 1.00 s");
  browser.click("#replay-previous");
  CHECK(calls_are_of() == " up to 0.40 s");
  CHECK(counted(browser, "upstream_calls") == 3);
  CHECK(chart_values(browser) == json{"5", "5", "0"});  // of the second step, which is the last one that is over
  browser.click("#replay-previous");
  CHECK(calls_are_of() == " up to 0.00 s");
  CHECK(counted(browser, "upstream_calls") == 0);
  CHECK(chart_values(browser) == json{"–", "–", "–"});
  const double in_chart = browser.run("return Lab.room.lanes.below.graph.toDomXCoord(1000)");
  CHECK(in_chart ==
        doctest::Approx(browser.run("return Lab.room.lanes.view.seenX(1000)").get<double>()).epsilon(0.001));
  check_manners(browser, ui.url());
}

TEST_CASE("a run's last step, which nobody saw to its end, is no drop to nothing in the figures beside the chart") {
  const Ui ui({"--stage", "distributed", "--rate", "0"});
  Browser browser;
  open_ui(browser, ui.url(), 3);
  json run = made_up_run(json::array());
  run["length_ms"] = 1001;
  for (const std::string kind : {"upstream_calls", "upstream_failures", "blocked"}) run["traffic"][kind].push_back(0);
  replay(browser, run);
  CHECK(chart_values(browser) == json{"20", "5", "5"});
  CHECK(counted(browser, "upstream_calls") == 15);
  check_manners(browser, ui.url());
}

TEST_CASE("a replay tells every transition, of those at one moment too, and of those after the load's end") {
  const Ui ui({"--stage", "distributed", "--rate", "0"});
  Browser browser;
  open_ui(browser, ui.url(), 3);
  const std::vector<std::string> causes{"first", "second", "third", "last"};
  replay(browser,
         made_up_run(json::array(
             {transition(400, "Instance-A", "half_open", causes[0]), transition(400, "Instance-A", "open", causes[1]),
              transition(400, "Instance-B", "open", causes[2]), transition(1010, "Instance-B", "closed", causes[3])})));
  CHECK(counted(browser, "transitions") == 4);
  for (size_t i = causes.size() - 1; i-- > 0;) {
    browser.click("#replay-previous");
    CHECK(browser.text("#replay-words").ends_with(causes[i]));
  }
  CHECK(browser.text("#replay-words").find("At 0.40 s (1 of 3): Instance-A") == 0);
  browser.click("#replay-previous");
  CHECK(browser.text("#replay-words") == "Nothing has changed yet.");
  for (const std::string& cause : causes) {
    browser.click("#replay-next");
    CHECK(browser.text("#replay-words").ends_with(cause));
  }
  browser.click("#replay-next");
  CHECK(browser.text("#replay-words").ends_with("last"));
  CHECK(browser.text("#replay-time") == "1.01 s of 1.01 s");
  check_manners(browser, ui.url());
}

TEST_CASE("a replay knows at 0 what was first seen a moment later, and a key that changes nothing is heard too") {
  const Ui ui({"--stage", "distributed", "--rate", "0"});
  Browser browser;
  open_ui(browser, ui.url(), 3);
  replay(browser, made_up_run(json::array({transition(400, "Instance-A", "open", "only once")})));
  browser.click("#replay-previous");
  browser.click("#replay-previous");
  CHECK(browser.text("#replay-time") == "0.00 s of 1.00 s");
  CHECK(browser.text("#replay-agreement") == "2 closed");
  const std::string said = "return document.querySelector('#announcer').textContent";
  const std::string first = browser.run(said);
  browser.click("#replay-previous");
  const std::string second = browser.run(said);
  CHECK(first.starts_with("Nothing has changed yet."));
  CHECK(second.starts_with("Nothing has changed yet."));
  CHECK(first != second);
  check_manners(browser, ui.url());
}

TEST_CASE("the replay's letters are keys where the focus is in it, and nowhere else; a held one plays once") {
  const Ui ui({"--stage", "distributed", "--rate", "0"});
  Browser browser;
  open_ui(browser, ui.url(), 3);
  replay(browser, made_up_run(json::array({transition(400, "Instance-A", "open", "only once")})));
  const auto shown = [&] { return browser.text("#replay-time"); };
  browser.until("!document.querySelector('[data-fault=down]').matches(':disabled')");
  browser.run("document.querySelector('[data-fault=down]').focus()");
  browser.press(",");
  CHECK(shown() == "1.00 s of 1.00 s");
  browser.run("document.querySelector('#replay-slider').focus()");
  browser.press(",");
  CHECK(shown() == "0.40 s of 1.00 s");
  browser.run(R"(
    for (const repeat of [false, true]) {
      document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'p', repeat, bubbles: true}));
    })");
  browser.until("Lab.room.replay.cursor === 1000");
  check_manners(browser, ui.url());
}
