#include "load_generator/terminal/watch_command.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iostream>

#include "load_generator/live/fleet_poller.hpp"
#include "load_generator/terminal/key_input.hpp"
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

constexpr char leave_key = 'q';

// True if a stop signal or the key to leave came first.
bool left_before(const program::StopSignal& stop, KeyInput& keys, Clock::time_point moment) {
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(moment - Clock::now());
    if (left.count() <= 0) return stop.requested();
    std::array<pollfd, 2> inputs{{{stop.fd(), POLLIN, 0}, {keys.fd(), POLLIN, 0}}};
    if (poll(inputs.data(), inputs.size(), static_cast<int>(left.count())) <= 0) continue;
    if (inputs[0].revents != 0 || keys.pressed(leave_key)) return true;
  }
}

bool all_answer(const FleetSnapshot& snapshot) {
  return snapshot.upstream.answers && std::all_of(snapshot.instances.begin(), snapshot.instances.end(),
                                                  [](const ObservedInstance& instance) { return instance.answers; });
}

void draw_until_stopped(const FleetPoller& poller, const program::StopSignal& stop) {
  const Screen screen = program::supports_colours() ? Screen::terminal : Screen::plain;
  WatchTerminal terminal(std::cout);
  KeyInput keys(STDIN_FILENO);
  const std::string hint = keys.is_active() ? "q: quit" : "";
  do {
    const ScreenSize size = screen_size();
    terminal.draw(watch_screen(poller.snapshot(), size, screen, hint), size);
  } while (!left_before(stop, keys, Clock::now() + between_screens));
}

void print_until_stopped(const FleetPoller& poller, const program::StopSignal& stop) {
  KeyInput no_keys(-1);
  const auto give_up = Clock::now() + until_names_are_known;
  while (!all_answer(poller.snapshot()) && Clock::now() < give_up) {
    if (left_before(stop, no_keys, Clock::now() + milliseconds(20))) return;
  }
  std::cout << WatchLog::heading(poller.snapshot()) << std::endl;
  WatchLog log;
  for (auto next = Clock::now() + between_lines; !left_before(stop, no_keys, next); next += between_lines) {
    const FleetSnapshot snapshot = poller.snapshot();
    for (const std::string& line : log.new_transitions(snapshot)) std::cout << line << "\n";
    std::cout << WatchLog::moment(snapshot) << std::endl;
  }
}

}  // namespace

int watch_command(const WatchOptions& options, const program::StopSignal& stop) {
  WatchedFleet fleet;
  for (const std::string& url : options.targets) fleet.targets.push_back({"", url});
  fleet.upstream = options.upstream;
  const FleetPoller poller(std::move(fleet), FleetPoller::Statuses::polled, [] {});
  if (isatty(STDOUT_FILENO) == 1) {
    draw_until_stopped(poller, stop);
  } else {
    print_until_stopped(poller, stop);
  }
  return 0;
}

}  // namespace load
