// The page can be read: on a desk and on a phone, by day and by night.
#include <doctest/doctest.h>

#include "load_generator/api/fake_instance.hpp"
#include "load_generator/control_room/browser_tests/looks_for_test.hpp"
#include "load_generator/control_room/browser_tests/ui_for_test.hpp"

using namespace load;

namespace {

// What is beside a lane, or beside the chart, and reaches into it.
constexpr const char* out_of_heads = R"(
  return [...document.querySelectorAll('.lane-head')].flatMap((head) => [...head.querySelectorAll('*')]
    .filter((each) => each.getBoundingClientRect().right > head.getBoundingClientRect().right + 1)
    .map((each) => each.textContent));)";

void check_legible(const Browser& browser, const std::string& name) {
  browser.run("scrollTo(0, 0)");
  browser.photograph(screenshot_path(name));
  for (const std::string& fault : hard_to_read(browser)) FAIL_CHECK(name, ": ", fault);
  CHECK_MESSAGE(sideways(browser).empty(), name << " can be scrolled sideways: " << sideways(browser));
  const auto out = browser.run(out_of_heads);
  CHECK_MESSAGE(out.empty(), name << ": " << out.dump());
}

}  // namespace

TEST_CASE("the check of legibility finds what is small, pale or too wide") {
  FakeInstance server;
  server.on("/", [](const httplib::Request&, httplib::Response& response) {
    response.set_content(R"html(<!doctype html><link rel=icon href='data:,'><body style="background: #fff">
      <p style="color: #888">pale</p><p style="font-size: 10px">small</p><p style="color: rgb(0 0 0 / 40%)">see-through</p>
      <div style="background: #333"><p style="color: #222">dark</p><p style="color: #fff">fine</p></div>
      <svg><text y=20 fill="#999">drawn</text></svg><button disabled style="color: #eee">disabled</button>
      <input id=faint style="border: 1px solid #ddd">
      <p hidden style="color: #fff">unseen</p><p style="width: 3000px" id=wide>wide</p>)html",
                         "text/html");
  });
  server.start();
  Browser browser;
  browser.show_as({});
  browser.open(server.url());
  const auto faults = hard_to_read(browser);
  CHECK(faults == std::vector<std::string>{"contrast 3.54: pale", "10 px: small", "contrast 2.85: see-through",
                                           "contrast 1.26: dark", "contrast 2.85: drawn", "edge 1.36: faint"});
  CHECK(sideways(browser).find("wide") != std::string::npos);
}

TEST_CASE("where there is no answer, none is shown as not done") {
  const Ui ui({"--stage", "distributed", "--rate", "0"});
  Browser browser;
  open_ui(browser, ui.url(), 3);
  const std::string shown =
      "return getComputedStyle(document.querySelector('#results-answer'), '::before').content !== 'none'";
  CHECK(browser.run(shown) == false);
  browser.run("document.querySelector('#results-answer').textContent = 'a fault'");
  CHECK(browser.run(shown) == true);
}

TEST_CASE("live, the page is legible at each size, in both colours, with few instances and with many") {
  for (const int instances : {3, 10}) {
    const std::string number = std::to_string(instances);
    const Ui ui({"--stage", "redis", "--rate", "60", "--instances", number});
    Browser browser;
    open_ui(browser, ui.url(), instances);
    browser.click("[data-fault=flaky]");
    browser.until("document.querySelectorAll('[data-lane][data-state=open]').length === arguments[0]", {instances});
    browser.click("[data-network=Instance-B]");
    for (const auto& [name, looks] : all_looks()) {
      open_ui(browser, ui.url(), instances, looks);
      browser.until("document.querySelector('#scenario').options.length > 0");
      browser.until("document.querySelector('.span-open').getAttribute('d')");
      browser.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })");
      check_legible(browser, "live-" + number + "-" + name);
    }
    check_manners(browser, ui.url());
  }
}

TEST_CASE("instances that have no name but their URL are told apart at each size, and nothing is cut or stands out") {
  const std::string urls = "http://a-long-name-of-a-machine.localhost:1,http://a-long-name-of-a-machine.localhost:2";
  const Ui ui({"--targets", urls, "--upstream", "http://127.0.0.1:1"});
  Browser browser;
  for (const auto& [name, looks] : all_looks()) {
    open_ui(browser, ui.url(), 2, looks);
    browser.until("document.querySelectorAll('[data-network]').length === 2");
    const auto cut = browser.run(R"(
      return [...document.querySelectorAll('.lane-name, [data-network] b, .stores b')]
        .filter((each) => each.scrollHeight > each.clientHeight + 1 && each.clientHeight > 0 ||
          each.getBoundingClientRect().right > each.parentElement.getBoundingClientRect().right)
        .map((each) => each.textContent);)");
    const std::string& shown_as = name;  // Clang 14 cannot capture `name`
    CHECK_MESSAGE(cut.empty(), shown_as << ": " << cut.dump());
    CHECK(browser.attribute(".lane-name", "title") == urls.substr(0, urls.find(',')));
    check_legible(browser, "urls-" + name);
  }
}

TEST_CASE("with a verdict and a replay, the page is legible at each size and in both colours") {
  const Ui ui({"--stage", "distributed", "--rate", "0"});
  Browser browser;
  open_ui(browser, ui.url(), 3);
  browser.until(
      "document.querySelector('#scenario').options.length > 0 && !document.querySelector('#no-guess').disabled");
  browser.click("#variant option[value=distributed]");
  browser.click("#no-guess");
  browser.click("#start-scenario");
  browser.until("document.querySelector('#verdict').hidden === false");
  for (const auto& [name, looks] : all_looks()) {
    browser.show_as(looks);
    browser.until("innerWidth === arguments[0]", {looks.width});
    browser.run("document.querySelector('[data-lane] svg').focus()");
    browser.press(key::end);
    check_legible(browser, "replay-" + name);
  }
  check_manners(browser, ui.url());
}
