// What the control room's page costs the browser that shows it, and its server, while a fleet is under load: a fleet
// with a shared breaker whose upstream fails a tenth of the calls, so that marks and changes of state keep coming. One
// page, then two. Each figure beside the bound that it is held to; 0 only where all hold.
#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <map>
#include <thread>
#include <vector>

#include "load_generator/control_room/browser_tests/browser_for_test.hpp"
#include "load_generator/control_room/browser_tests/family_for_test.hpp"
#include "load_generator/control_room/browser_tests/process_use.hpp"
#include "program/options.hpp"
#include "program/processes/child_process.hpp"

namespace {

using namespace load;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr double most_page_mib = 150;
constexpr double most_browser_percent = 10;
constexpr double most_server_growth_mib = 1;
constexpr milliseconds between_lines{30'000};
constexpr milliseconds settling{120'000};
constexpr milliseconds shortest{360'000};

struct Settings {
  milliseconds duration{600'000};
  int instances = 10;
  int rate = 200;
};

struct Line {
  milliseconds at{0};
  int pages = 0;
  double page_mib = 0;     // the largest process that renders a page
  double browser_mib = 0;  // of all processes of the browser, as what follows
  double browser_percent = 0;
  double server_mib = 0;
};

// The browser's processes, and how much they worked since the last look.
class BrowserUse {
 public:
  explicit BrowserUse(pid_t driver) : driver_(driver) {}

  void look(Line& line) {
    const auto now = Clock::now();
    std::chrono::duration<double> worked{0};
    for (const ProcessId& process : descendants_of(driver_)) {
      const auto cpu = cpu_time(process.pid);
      worked += cpu - cpu_[process.pid];
      cpu_[process.pid] = cpu;
      const double mib = pss_mib(process.pid);
      line.browser_mib += mib;
      const bool renders = command_line(process.pid).find("--type=renderer") != std::string::npos;
      if (renders) line.page_mib = std::max(line.page_mib, mib);
    }
    line.browser_percent = worked / (now - looked_at_) * 100;
    looked_at_ = now;
  }

 private:
  const pid_t driver_;
  std::map<pid_t, std::chrono::duration<double>> cpu_;
  Clock::time_point looked_at_ = Clock::now();
};

void print(const Line& line) {
  std::cout << fmt::format("{:>8.1f} {:>6} {:>12.1f} {:>12.1f} {:>10.1f} {:>12.1f}\n",
                           static_cast<double>(line.at.count()) / 60'000, line.pages, line.page_mib, line.browser_mib,
                           line.browser_percent, line.server_mib)
            << std::flush;
}

void fail_a_tenth(const Browser& browser) {
  const std::string answer = browser.run(R"(
    return fetch('/control/fault', {method: 'POST', body: JSON.stringify({plan: 'flaky 0.1'}), headers: {
      'Content-Type': 'application/json', 'X-Control-Token': document.querySelector('meta[name=token]').content
    }}).then((reply) => reply.text()))");
  if (answer.find("done") == std::string::npos) throw std::runtime_error("the upstream is not flaky: " + answer);
}

void open_page(Browser& browser, const std::string& url, int instances) {
  browser.open(url);
  browser.until("document.querySelectorAll('[data-lane]').length === arguments[0]", {instances});
}

std::string url_of(program::ChildProcess& server) {
  const std::string line = server.wait_for_line("http://", std::chrono::seconds(30));
  const size_t start = line.find("http://");
  return line.substr(start, line.find(' ', start) - start);
}

// Beside whatever the browser does anyway.
Line blank_page(BrowserUse& use) {
  Line line;
  use.look(line);
  std::this_thread::sleep_for(between_lines);
  line = {};
  use.look(line);
  return line;
}

std::vector<Line> measure(const Settings& settings) {
  Browser browser(Requests::unrecorded);
  BrowserUse use(browser.driver_pid());
  std::vector<Line> lines{blank_page(use)};
  print(lines.back());
  const std::string load_generator = LAB_BIN_DIR "/load_generator";
  program::ChildProcess server({load_generator, "ui", "--port", "0", "--stage", "redis", "--instances",
                                std::to_string(settings.instances), "--rate", std::to_string(settings.rate)});
  const std::string url = url_of(server);
  open_page(browser, url, settings.instances);
  fail_a_tenth(browser);
  const auto start = Clock::now();
  for (milliseconds at = between_lines; at <= settings.duration; at += between_lines) {
    std::this_thread::sleep_until(start + at);
    Line& line = lines.emplace_back();
    line.at = at;
    line.pages = at * 2 <= settings.duration ? 1 : 2;
    line.server_mib = rss_mib(server.pid());
    use.look(line);
    print(line);
    if (line.pages == 1 && (at + between_lines) * 2 > settings.duration) {
      browser.open_new_page();
      open_page(browser, url, settings.instances);
    }
  }
  return lines;
}

// Whether it holds.
bool verdict(const std::string& what, double measured, double at_most) {
  const bool holds = measured <= at_most;
  std::cout << fmt::format("{:<56} {:>8.1f} {:>8.1f}   {}\n", what, measured, at_most, holds ? "held" : "NOT HELD");
  return holds;
}

// Of the server, once all that is kept for two minutes has filled up: it may take some for another page, but for
// nothing else.
double growth(const std::vector<Line>& lines, int pages) {
  std::vector<Line> settled;
  for (const Line& line : lines) {
    if (line.pages == pages) settled.push_back(line);
  }
  const auto first = std::find_if(settled.begin(), settled.end(),
                                  [&](const Line& line) { return line.at - settled.front().at >= settling; });
  return settled.back().server_mib - first->server_mib;
}

bool judge(const std::vector<Line>& lines) {
  double page = 0, browser = 0;
  int with_one_page = 0;
  for (const Line& line : lines) {
    page = std::max(page, line.page_mib);
    if (line.pages == 1) browser += line.browser_percent, ++with_one_page;
  }
  std::cout << fmt::format("\n{:<56} {:>8} {:>8}\n", "", "measured", "at most");
  const std::vector<bool> held{
      verdict("largest process of a page, MiB", page, most_page_mib),
      verdict("the whole browser with one page, % of a core, mean", browser / with_one_page, most_browser_percent),
      verdict("growth of the server with one page, MiB", growth(lines, 1), most_server_growth_mib),
      verdict("growth of the server with two pages, MiB", growth(lines, 2), most_server_growth_mib)};
  return std::find(held.begin(), held.end(), false) == held.end();
}

}  // namespace

int main(int argc, char** argv) {
  return program::run([&] {
    Settings settings;
    CLI::App app{"What the control room's page costs", "control_room_benchmark"};
    program::add_duration(app, "--duration", settings.duration,
                          "How long to measure, 6m to 1h; half of it with two pages");
    app.add_option("--instances", settings.instances, "How many instances")
        ->check(CLI::Range(1, 26))
        ->capture_default_str();
    app.add_option("--rate", settings.rate, "Calls per second, over all of them")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    if (const auto exit_code = program::parse(app, argc, argv)) return *exit_code;
    if (settings.duration < shortest || settings.duration > std::chrono::hours(1)) {
      throw std::invalid_argument("--duration must be 6m to 1h");
    }
    std::cout << fmt::format("{:>8} {:>6} {:>12} {:>12} {:>10} {:>12}\n{:>8} {:>6} {:>12} {:>12} {:>10} {:>12}\n", "",
                             "", "page's", "browser's", "browser's", "server's", "minute", "pages", "PSS, MiB",
                             "PSS, MiB", "CPU, %", "RSS, MiB");
    return judge(measure(settings)) ? 0 : 1;
  });
}
