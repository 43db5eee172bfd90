// The report in a real browser, opened as a file: it shows the content of the runs' files, and loads nothing else.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "load_generator/control_room/browser_tests/looks_for_test.hpp"
#include "load_generator/control_room/browser_tests/ui_for_test.hpp"
#include "load_generator/report/run_document.hpp"
#include "load_generator/tests/scratch_file.hpp"

using namespace load;
using nlohmann::json;
using program::ChildProcess;

namespace {

constexpr std::chrono::seconds patience{60};

// The outage against each stage, with its report.
struct Outage {
  const ScratchFolder folder;
  const std::string report = folder.path("report.html");
  std::vector<json> runs;

  Outage() {
    std::vector<std::string> files;
    for (const std::string stage : {"simple", "distributed", "redis"}) {
      files.push_back(folder.path(stage + ".json"));
      call({"scenario", "outage", "--stage", stage, "--out", files.back()});
      runs.push_back(run_document(files.back()));
    }
    files.insert(files.begin(), {"compare", "--html", report});
    call(files);
  }

  static void call(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), LAB_BIN_DIR "/load_generator");
    ChildProcess program(arguments);
    const auto exit_code = program.wait(patience);  // 1: an expectation that did not hold, on a busy machine
    if (!exit_code || *exit_code > 1) throw std::runtime_error(program.output());
  }
};

const Outage& outage() {
  static const Outage played_once;
  return played_once;
}

void open_report(Browser& browser, const Looks& looks = {}) {
  browser.show_as(looks);
  browser.open("file://" + outage().report);
  browser.until("document.querySelectorAll('[data-run] [data-lane] .span-closed').length >= 7");
}

std::string bytes_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

size_t big_endian(const std::string& bytes, size_t at) {
  size_t number = 0;
  for (size_t i = at; i < at + 4; ++i) number = number * 256 + static_cast<unsigned char>(bytes.at(i));
  return number;
}

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace

TEST_CASE("a report loads nothing, and logs no error") {
  Browser browser;
  open_report(browser);
  CHECK(browser.requested_urls() == std::vector<std::string>{"file://" + outage().report});
  CHECK(browser.complaints().empty());
}

TEST_CASE("every figure and expectation of a report is that of its run") {
  Browser browser;
  open_report(browser);
  for (const json& run : outage().runs) {
    const std::string variant = run.at("variant");
    CAPTURE(variant);
    for (const json& expectation : run.at("expectations")) {
      const std::string name = variant + "/" + expectation.at("measure").get<std::string>();
      CAPTURE(name);
      CHECK(browser.text("[data-expected='" + name + "']") ==
            "expected " + expectation.at("expected").get<std::string>());
      CHECK(browser.attribute("[data-measured='" + name + "']", "data-held") == expectation.at("held").dump());
      CHECK(browser.text(".causes").find(expectation.at("because").get<std::string>()) != std::string::npos);
    }
    // Figures have two decimals; those that are 0 in all runs are left out.
    const json shown = browser.run(R"(
      const figures = [...document.querySelectorAll('[data-measured]')].map((node) => [node.dataset.measured, node.textContent]);
      return Object.fromEntries(figures.filter(([name, text]) => name.startsWith(arguments[0] + '/') && text !== '–'));)",
                                   {variant});
    CHECK(shown.size() > 5);
    for (const auto& figure : shown.items()) {
      const std::string& name = figure.key();
      CAPTURE(name);
      const double measured = run.at("measures").at(name.substr(variant.size() + 1));
      CHECK(std::abs(std::stod(figure.value().get<std::string>()) - measured) <= 0.005001);
    }
  }
}

TEST_CASE("every transition of a report, and every lane, is that of its run") {
  Browser browser;
  open_report(browser);
  for (const json& run : outage().runs) {
    const std::string variant = run.at("variant");
    CAPTURE(variant);
    json expected = json::array();
    for (const json& each : run.at("transitions")) {
      const double seconds = each.at("at_ms_since_start").get<double>() / 1000;
      expected.push_back(
          {browser.run("return arguments[0].toFixed(2) + ' s'", json::array({seconds})), each.at("instance"),
           each.at("from").get<std::string>() + " → " + each.at("to").get<std::string>(), each.at("cause")});
    }
    CHECK(browser.run(R"(
      return [...document.querySelectorAll(`[data-transition="${arguments[0]}"]`)].map((row) =>
        [0, 2, 3, 4].map((column) => row.children[column].textContent));)",
                      {variant}) == expected);
    const std::string lanes = "[data-run='" + variant + "'] [data-lane]";
    CHECK(browser.count(lanes) == run.at("instances").size());
    for (const std::string instance : run.at("instances")) {
      const std::string lane = "[data-run='" + variant + "'] [data-lane='" + instance + "']";
      CHECK(run.at("states").at(instance).back().at("state") == browser.attribute(lane, "data-state"));
      CHECK_FALSE(browser.attribute(lane + " .span-open", "d").empty());
    }
  }
}

TEST_CASE("a report is legible at each size and in both colours, and on paper") {
  Browser browser;
  for (const auto& look : all_looks()) {
    const std::string& name = look.name;
    open_report(browser, look.looks);
    browser.photograph(screenshot_path("report-" + name));
    for (const std::string& fault : hard_to_read(browser)) FAIL_CHECK(name, ": ", fault);
    CHECK_MESSAGE(sideways(browser).empty(), name << ": " << sideways(browser));
  }
  const std::string pdf = browser.print();
  CHECK(pdf.starts_with("%PDF-"));
  CHECK(count(pdf, "/Type /Page\n") >= 1);
  MESSAGE("on paper: ", count(pdf, "/Type /Page\n"), " pages");
}

TEST_CASE("the README's picture can be taken again") {
  const ScratchFolder folder;
  const std::string picture = folder.path("report.png");
  ChildProcess script({LAB_SOURCE_DIR "/scripts/dev/picture.sh", picture});
  REQUIRE_MESSAGE(script.wait(patience * 2) == 0, script.output());
  const std::string png = bytes_of(picture);
  CHECK(png.starts_with("\x89PNG\r\n"));
  CHECK(big_endian(png, 16) == 1280);
  CHECK(big_endian(png, 20) == 1066);
  CHECK(png.size() > 30'000);
  CHECK(png.size() <= 200 * 1024);
}
