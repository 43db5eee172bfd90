// Scenarios on the page: predicted, watched, and seen again. What it shows is what the run's file says.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "load_generator/control_room/browser_tests/ui_for_test.hpp"

using namespace load;
using nlohmann::json;

namespace {

// What the agreement line shows, each time that anything about it changes, while a scenario's instances are on the
// page.
constexpr const char* note_agreement = R"(
  window.noted = [];
  const byId = (id) => document.getElementById(id);
  const note = () => {
    if (!byId('title').textContent.startsWith('outage')) return;
    noted.push({text: byId('agreement-text').textContent, agree: byId('agreement').dataset.agree !== 'false',
      ms: Number(byId('disagreement-ms').dataset.ms)});
  };
  new MutationObserver(note).observe(byId('agreement'),
    {subtree: true, childList: true, characterData: true, attributes: true});)";

void predict(const Browser& browser, const std::string& scenario, const std::string& variant,
             const std::string& guess) {
  const auto choose = [&](const std::string& css, const std::string& value) {
    browser.until("[...document.querySelector('" + css + "').options].some((o) => o.value === arguments[0])", {value});
    browser.click(css + " option[value='" + value + "']");
  };
  choose("#scenario", scenario);
  choose("#variant", variant);
  browser.run(
      "const guess = document.querySelector('#guess'); guess.value = ''; guess.dispatchEvent(new Event('input'))");
  CHECK(browser.run("return document.querySelector('#start-scenario').disabled") == true);
  browser.type("#guess", guess);
  browser.click("#start-scenario");
}

void wait_for_verdict(const Browser& browser) {
  browser.until("document.querySelector('#progress').hidden === false");
  browser.until("document.querySelector('#verdict').hidden === false");
}

struct Disagreement {
  bool was_shown = false;  // by the agreement line
  double longest_ms = 0;   // beside it
};

Disagreement watch_outage(const Ui& ui, const std::string& variant) {
  Browser browser;
  open_ui(browser, ui.url(), 3);
  browser.run(note_agreement);
  predict(browser, "outage-10", variant, "10");
  wait_for_verdict(browser);
  Disagreement seen;
  for (const json& each : browser.run("return noted")) {
    seen.was_shown = seen.was_shown || !each.at("agree").get<bool>();
    seen.longest_ms = std::max(seen.longest_ms, each.at("ms").get<double>());
  }
  MESSAGE("outage-10, ", variant, ": disagreed for ", seen.longest_ms, " ms on the page");
  check_manners(browser, ui.url());
  return seen;
}

double sum(const json& numbers) {
  double total = 0;
  for (const json& each : numbers) total += each.get<double>();
  return total;
}

std::string state_at(const json& run, const std::string& instance, double at_ms) {
  std::string state = "unknown";
  for (const json& each : run.at("states").at(instance)) {
    if (each.at("at_ms_since_start") <= at_ms) state = each.at("state");
  }
  return state;
}

void set_slider(const Browser& browser, double at_ms) {
  browser.run(
      "const slider = document.querySelector('#replay-slider'); slider.value = arguments[0];"
      "slider.dispatchEvent(new Event('input', {bubbles: true}))",
      {at_ms});
}

double slider(const Browser& browser) {
  return browser.run("return Number(document.querySelector('#replay-slider').value)");
}

void check_lanes_at(const Browser& browser, const json& run, double at_ms) {
  for (const std::string instance : run.at("instances")) {
    INFO(instance, " at ", at_ms);
    CHECK(browser.attribute("[data-lane='" + instance + "']", "data-state") == state_at(run, instance, at_ms));
  }
}

// As from another page: this one does not wait for its end.
constexpr const char* order_another =
    "return Lab.order('/control/scenario', {name: 'outage', variant: 'simple'}).then(({error}) => error)";

}  // namespace

TEST_CASE("in the same outage the page shows stage 2 disagree, and stage 3 agree") {
  const Ui ui({"--stage", "distributed", "--rate", "0"});
  // Where each has a breaker, the ten open one by one, 20 ms after each other.
  Disagreement each_alone = watch_outage(ui, "distributed");
  for (int tries = 2; tries > 0 && each_alone.longest_ms <= 100; --tries) each_alone = watch_outage(ui, "distributed");
  CHECK(each_alone.was_shown);
  CHECK(each_alone.longest_ms > 100);
  // Where they share one, they change within milliseconds, and a single poll of the instances cannot tell otherwise.
  // But a machine so busy that it lets an instance wait for two polls makes it disagree for as long.
  Disagreement shared = watch_outage(ui, "redis");
  const auto disagreed = [&shared] { return shared.was_shown || shared.longest_ms > 100; };
  for (int tries = 2; tries > 0 && disagreed(); --tries) shared = watch_outage(ui, "redis");
  CHECK_FALSE(shared.was_shown);
  CHECK(shared.longest_ms <= 100);
}

TEST_CASE("guess, expected and measured stand together, and are the run's own") {
  const Ui ui({"--stage", "distributed", "--rate", "0"});
  Browser browser;
  open_ui(browser, ui.url(), 3);
  browser.run(R"(
    window.announced = [];
    const announcer = document.querySelector('#announcer');
    new MutationObserver(() => announced.push(announcer.textContent)).observe(announcer, {childList: true});)");
  predict(browser, "outage", "distributed", "7");
  wait_for_verdict(browser);
  const json run = get_json(ui.url() + "/runs/outage-distributed");
  const json& first = run.at("expectations").at(0);
  CHECK(browser.text("[data-result=guess]") == "7");
  CHECK(first.at("expected") == browser.text("[data-result=expected]"));
  CHECK(browser.run("return " + number_in("[data-result=measured]")) == run.at("measures").at(first.at("measure")));
  CHECK(browser.text("#verdict-because").find(first.at("because").get<std::string>()) != std::string::npos);
  CHECK(browser.text("#verdict-held") ==
        (first.at("held") == true ? "The expectation held." : "The expectation did not hold."));
  const std::string said = browser.run("return announced.find((text) => text.startsWith('guess 7, expected '))");
  CHECK(said.ends_with(first.at("held") == true ? ": held" : ": not held"));
  CHECK(browser.count("#results-rows tr") == 1);
  CHECK(browser.text("#results-rows tr").find("outage") != std::string::npos);
  browser.photograph(screenshot_path("verdict"));
  check_manners(browser, ui.url());
}

TEST_CASE("a scenario that is over before anybody saw it run gives a verdict too, and again") {
  const Ui ui({"--stage", "distributed", "--rate", "0"});
  Browser browser;
  open_ui(browser, ui.url(), 3);
  for (const std::string guess : {"4", "3"}) {  // stage 1 plays by a clock of its own
    predict(browser, "outage", "simple", guess);
    browser.until("document.querySelector('#verdict').hidden === false");
    CHECK(browser.text("[data-result=guess]") == guess);
    CHECK(browser.text("[data-result=measured]") == "3");
  }
  CHECK(browser.count("#results-rows tr") == 2);
  check_manners(browser, ui.url());
}

TEST_CASE("a guess is not lost where the scenario is over before the order for it is answered") {
  const Ui ui({"--stage", "distributed", "--rate", "0"});
  Browser browser;
  open_ui(browser, ui.url(), 3);
  browser.run(R"(
    const ask = fetch;
    const over = (done) => (Lab.room.frame.scenario?.phase === 'over' ? done() : setTimeout(over, 50, done));
    window.fetch = async (...request) => {
      const answer = await ask(...request);
      if (request[0] === '/control/scenario') await new Promise(over);
      return answer;
    };)");
  predict(browser, "outage", "simple", "4");
  browser.until("document.querySelector('#verdict').hidden === false");
  CHECK(browser.text("[data-result=guess]") == "4");
  check_manners(browser, ui.url());
}

TEST_CASE("a guess is not lost where the order for its scenario is obeyed, but the answer comes too late") {
  const Ui ui({"--stage", "distributed", "--rate", "0"});
  Browser browser;
  open_ui(browser, ui.url(), 3);
  browser.run(R"(
    const ask = fetch;
    window.fetch = async (...request) => {
      const answer = await ask(...request);
      if (request[0] === '/control/scenario') throw new DOMException('as if ten seconds had passed', 'TimeoutError');
      return answer;
    };)");
  predict(browser, "outage", "simple", "4");
  browser.until("document.querySelector('#verdict').hidden === false");
  CHECK(browser.text("[data-result=guess]") == "4");
  check_manners(browser, ui.url());
}

TEST_CASE("a guess is answered although its scenario ended in a hidden page, and another one followed") {
  const Ui ui({"--stage", "distributed", "--rate", "0"});
  Browser browser;
  open_ui(browser, ui.url(), 3);
  browser.run("Object.defineProperty(document, 'hidden', {get: () => !window.isLookedAt})");
  predict(browser, "outage", "simple", "4");
  browser.until("Lab.room.frame.scenario?.phase === 'over'");
  browser.run(order_another);
  browser.until("Lab.room.frame.scenario.number === 2 && Lab.room.frame.scenario.phase === 'over'");
  browser.run("isLookedAt = true; document.dispatchEvent(new Event('visibilitychange'))");
  browser.until(
      "[...document.querySelectorAll('#results-rows [data-label=guess]')].some((g) => g.textContent === '4')");
  check_manners(browser, ui.url());
}

TEST_CASE("a guess whose scenario ended unseen is answered by its run, or told to be lost, but not by an older run") {
  const Ui ui({"--stage", "distributed", "--rate", "0"});
  std::filesystem::remove(std::filesystem::path(LAB_BIN_DIR).parent_path() / "runs" / "recovery-simple.json");
  Browser browser;
  open_ui(browser, ui.url(), 3);
  for (const bool has_older_run : {false, true}) {  // and an equal one: stage 1 plays by a clock of its own
    CAPTURE(has_older_run);
    browser.run("Lab.room.take = (frame) => { window.unseen = frame; }");
    predict(browser, "recovery", "simple", "4");
    for (const char* order : {"", order_another}) {
      browser.run(order);
      browser.until("unseen.scenario?.phase === 'over' && unseen.scenario.run === arguments[0]",
                    {*order == 0 ? "recovery-simple" : "outage-simple"});
    }
    browser.until("JSON.parse(sessionStorage.getItem('lab-asked')).guess === 4");
    browser.run("delete Lab.room.take");
    browser.until("sessionStorage.getItem('lab-asked') === 'null'");
    browser.until("document.querySelector('#scenario-answer').textContent.includes('seen here')");
    browser.until("document.querySelector('#verdict').hidden === arguments[0]", json::array({has_older_run}));
    CHECK(browser.count("#results-rows tr") == 1);
    if (!has_older_run) browser.click("#replay-live");
  }
  CHECK(browser.text("#scenario-answer").ends_with("your guess stays without an answer."));
  check_manners(browser, ui.url());
}

TEST_CASE("a finished run is replayed: at each moment lanes and figures are those of its file") {
  const Ui ui({"--stage", "distributed", "--rate", "0"});
  Browser browser;
  open_ui(browser, ui.url(), 3);
  predict(browser, "outage", "redis", "3");
  wait_for_verdict(browser);
  const json run = get_json(ui.url() + "/runs/outage-redis");
  const double length_ms = run.at("length_ms");
  CHECK(browser.attribute("body", "data-mode") == "replay");
  set_slider(browser, length_ms);
  for (const std::string kind : {"upstream_calls", "upstream_failures", "blocked"}) {
    CAPTURE(kind);
    CHECK(browser.run("return " + number_in("[data-replay-count=" + kind + "]")) == sum(run.at("traffic").at(kind)));
    CHECK(sum(run.at("traffic").at(kind)) == run.at("measures").at(kind));
  }
  CHECK(browser.run("return " + number_in("[data-replay-count=transitions]")) == run.at("transitions").size());
  for (const double part : {0.1, 0.5, 1.0}) {
    set_slider(browser, length_ms * part);
    check_lanes_at(browser, run, slider(browser));
  }
  browser.photograph(screenshot_path("replay"));

  set_slider(browser, 0);
  for (const json& transition : run.at("transitions")) {
    browser.click("#replay-next");
    CHECK(slider(browser) == doctest::Approx(transition.at("at_ms_since_start").get<double>()));
    CHECK(browser.text("#replay-words").find(transition.at("cause").get<std::string>()) != std::string::npos);
    check_lanes_at(browser, run, slider(browser));
  }
  browser.click("#replay-previous");
  CHECK(slider(browser) < run.at("transitions").back().at("at_ms_since_start").get<double>());
  browser.click("#replay-live");
  CHECK(browser.attribute("body", "data-mode") == "live");
  check_manners(browser, ui.url());
}

TEST_CASE("a prediction's run is replayed as long as its file is of that run, and no later one is taken for it") {
  const Ui ui({"--stage", "distributed", "--rate", "0"});
  Browser browser;
  open_ui(browser, ui.url(), 3);
  predict(browser, "outage", "distributed", "9");
  wait_for_verdict(browser);
  browser.click("#replay-live");
  browser.click("#results-rows button");
  browser.until("document.body.dataset.mode === 'replay'");
  browser.click("#replay-live");
  predict(browser, "outage", "distributed", "8");
  wait_for_verdict(browser);
  browser.click("#replay-live");
  browser.click("#results-rows tr:last-child button");
  browser.until("document.querySelector('#results-answer').textContent === 'this run was replaced by a later one'");
  CHECK(browser.attribute("body", "data-mode") == "live");
  check_manners(browser, ui.url());
}

TEST_CASE("a replay runs at the speed that was chosen") {
  const Ui ui({"--stage", "distributed", "--rate", "0"});
  Browser browser;
  open_ui(browser, ui.url(), 3);
  predict(browser, "outage", "redis", "3");
  wait_for_verdict(browser);
  const double length_ms = get_json(ui.url() + "/runs/outage-redis").at("length_ms");
  for (const double speed : {2.0, 20.0}) {
    CAPTURE(speed);
    browser.click("#replay-speed option[value='" + std::to_string(static_cast<int>(speed)) + "']");
    double quickest_ms = 1e9;
    for (int tries = 3; tries > 0 && quickest_ms >= length_ms / speed * 1.5 + 500; --tries) {
      set_slider(browser, 0);
      // The time of its own that the replay takes from the press of the button to the end of the run.
      const double took_ms = browser.run(R"(
        const slider = document.querySelector('#replay-slider');
        const start = performance.now();
        document.querySelector('#replay-play').click();
        return new Promise((done) => {
          const look = () => Number(slider.value) >= Number(slider.max) ? done(performance.now() - start)
            : requestAnimationFrame(look);
          look();
        });)");
      CHECK(took_ms > length_ms / speed * 0.9);
      quickest_ms = std::min(quickest_ms, took_ms);
    }
    MESSAGE("a run of ", length_ms, " ms at ", speed, "x: ", quickest_ms, " ms");
    CHECK(quickest_ms < length_ms / speed * 1.5 + 500);
  }
}
