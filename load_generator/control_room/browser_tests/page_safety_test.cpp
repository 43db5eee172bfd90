// What instances say is text on the page, whatever it looks like.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>

#include "load_generator/api/fake_instance.hpp"
#include "load_generator/control_room/browser_tests/ui_for_test.hpp"

using namespace load;
using nlohmann::json;

namespace {

const std::string evil_breaker = "<script>hacked = 'breaker'</script>";
const std::string evil_instance = "<b onclick=hacked=1>\"'&amp;</b>";
const std::string evil_cause = "<img src=x onerror=\"hacked='cause'\">";

int64_t epoch_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

// An instance and its upstream in one, that opened when it was asked first.
void say_evil_things(FakeInstance& server, std::atomic<int64_t>& asked_first) {
  const std::string turned = "\u202e";  // the marks that turn what follows them are the only ones that get lost
  server.on("/status", [&, turned](const httplib::Request&, httplib::Response& response) {
    int64_t never = 0;
    asked_first.compare_exchange_strong(never, epoch_ms());
    const json transition{{"generation", 2},
                          {"from", "closed"},
                          {"to", "open"},
                          {"cause", turned + evil_cause},
                          {"at_ms", asked_first.load()}};
    const json status{{"instance", turned + evil_instance},
                      {"breaker",
                       {{"name", evil_breaker},
                        {"state", "open"},
                        {"generation", 2},
                        {"store", "local"},
                        {"store_error", evil_cause}}},
                      {"calls", {{"success", 1}, {"failure", 3}, {"exception", 0}, {"blocked", 2}}},
                      {"transitions", json::array({transition})}};
    response.set_content(status.dump(), "application/json");
  });
  server.on("/fault", R"({"failure_rate":0,"latency_ms":0,"hang_rate":0,"drop_rate":0})");
  server.on("/ledger", json{{"total", json::object()}, {"callers", {{evil_instance, {{"received", 4}}}}}}.dump());
}

}  // namespace

TEST_CASE("a breaker called <script>, and a cause with an <img> that would run one, stay text") {
  FakeInstance server;
  std::atomic<int64_t> asked_first = 0;
  say_evil_things(server, asked_first);
  server.start();
  const Ui ui({"--targets", server.url(), "--upstream", server.url()});
  Browser browser;
  open_ui(browser, ui.url(), 1);
  browser.until("document.querySelector('#breaker').textContent === arguments[0]", {evil_breaker});
  CHECK(browser.text(".lane-name") == evil_instance);
  browser.until("document.querySelector('[data-lane]').dataset.state === 'open'");
  CHECK(browser.text("#stores").find(evil_cause) != std::string::npos);

  browser.run("document.querySelector('[data-lane] svg').focus()");
  browser.press(key::end);
  browser.until("document.querySelector('.tip').textContent.includes(arguments[0])", {evil_cause});
  CHECK(browser.text("#networks").find(evil_instance) != std::string::npos);

  CHECK(browser.run("return document.documentElement.outerHTML.includes('\\u202e')") == false);
  CHECK(browser.run("return typeof hacked") == "undefined");
  CHECK(browser.count("img") == 0);
  CHECK(browser.count("b[onclick]") == 0);
  CHECK(browser.run("return [...document.scripts].filter((script) => !script.src).length") == 0);
  browser.photograph(screenshot_path("evil-names"));
  check_manners(browser, ui.url());
}
