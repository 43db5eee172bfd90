#include "load_generator/terminal/watch_command.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>

#include "load_generator/live/fleet_poller.hpp"
#include "load_generator/terminal/watch_screen.hpp"
#include "load_generator/terminal/watch_terminal.hpp"
#include "program/log.hpp"

namespace load {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds between_screens{250};
constexpr milliseconds between_lines{1000};
constexpr milliseconds until_names_are_known{1000};

// Whether a stop signal came first.
bool stopped_before(const program::StopSignal& stop, Clock::time_point moment) {
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(moment - Clock::now());
    if (left.count() <= 0) return stop.requested();
    pollfd signal{stop.fd(), POLLIN, 0};
    if (poll(&signal, 1, static_cast<int>(left.count())) > 0) return true;
  }
}

nlohmann::ordered_json everything(const Watcher& watcher) { return watcher.frame({}).json; }

bool all_answer(const nlohmann::ordered_json& frame) {
  const auto& instances = frame.at("instances");
  return frame.at("upstream").value("answers", false) &&
         std::all_of(instances.begin(), instances.end(),
                     [](const auto& instance) { return instance.value("answers", false); });
}

void draw_until_stopped(const Watcher& watcher, const program::StopSignal& stop) {
  const Screen screen = program::supports_colours() ? Screen::terminal : Screen::plain;
  WatchTerminal terminal(std::cout);
  do {
    const ScreenSize size = screen_size();
    terminal.draw(watch_screen(everything(watcher), size, screen), size);
  } while (!stopped_before(stop, Clock::now() + between_screens));
}

void print_until_stopped(const Watcher& watcher, const program::StopSignal& stop) {
  const auto give_up = Clock::now() + until_names_are_known;
  while (!all_answer(everything(watcher)) && Clock::now() < give_up) {
    if (stopped_before(stop, Clock::now() + milliseconds(20))) return;
  }
  std::cout << WatchLog::heading(everything(watcher)) << std::endl;
  WatchLog log;
  for (auto next = Clock::now() + between_lines; !stopped_before(stop, next); next += between_lines) {
    const auto frame = everything(watcher);
    for (const std::string& line : log.new_transitions(frame)) std::cout << line << "\n";
    std::cout << WatchLog::moment(frame) << std::endl;
  }
}

}  // namespace

int watch_command(const WatchOptions& options, const program::StopSignal& stop) {
  WatchedFleet fleet;
  for (const std::string& url : options.targets) fleet.targets.push_back({"", url});
  fleet.upstream = options.upstream;
  const Watcher watcher(std::move(fleet), Watcher::Instances::asked, [] {});
  if (isatty(STDOUT_FILENO) == 1) {
    draw_until_stopped(watcher, stop);
  } else {
    print_until_stopped(watcher, stop);
  }
  return 0;
}

}  // namespace load
