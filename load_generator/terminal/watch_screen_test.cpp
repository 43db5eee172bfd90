#include "load_generator/terminal/watch_screen.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "load_generator/terminal/watch_lane.hpp"
#include "load_generator/terminal/watch_words.hpp"
#include "load_generator/tests/seen_for_test.hpp"

using namespace load;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

InstanceStatus status_of(const std::string& name, State state, const std::string& store = "memory") {
  InstanceStatus status;
  status.name = name;
  status.breaker = "unreliable_service";
  status.state = state;
  status.store = store;
  status.local = store == "local";
  return status;
}

Transition trip(size_t target, Offset at, const std::string& cause) {
  return {target, 2, State::closed, State::open, cause, at};
}

Mark failure(size_t target, Offset at) { return {target, at, CallStatus::failure}; }

// Twenty seconds of A and B: A opened after five, B never did.
FleetSnapshot twenty_seconds() {
  FleetSnapshot snapshot;
  snapshot.now = milliseconds(20'500);
  snapshot.targets = {{"Instance-A", "http://127.0.0.1:8001"}, {"Instance-B", "http://127.0.0.1:8002"}};
  snapshot.instances = {{true, status_of("Instance-A", State::open)}, {true, status_of("Instance-B", State::closed)}};
  snapshot.instances[0].status.calls = {10, 5, 1, 40};
  snapshot.instances[1].before_restarts = {15, 0, 0, 0};
  snapshot.instances[1].status.calls = {25, 0, 0, 0};
  snapshot.lanes = {{{Offset(0), State::closed}, {milliseconds(5200), State::open}}, {{Offset(0), State::closed}}};
  snapshot.transitions = {trip(0, milliseconds(5200), "3 consecutive failures")};
  snapshot.marks = {failure(0, milliseconds(5100))};
  snapshot.upstream.url = "http://127.0.0.1:9000";
  snapshot.upstream.answers = true;
  snapshot.upstream.fault.failure_rate = 0.6;
  snapshot.upstream.ledger = {{"Instance-A", {15, 10, 5}}, {"Instance-B", {40, 40}}};
  snapshot.wasted = 7;
  snapshot.disagreement = milliseconds(15'300);
  snapshot.disagreeing_for = milliseconds(15'300);
  return snapshot;
}

std::string text_of(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

constexpr LaneSpan ten_seconds{10, seconds(1), milliseconds(9'500)};

}  // namespace

TEST_CASE("a column of a lane is a second, and the last one is now") {
  CHECK(lane_of_states({{Offset(0), State::closed}, {seconds(3), State::open}, {seconds(8), State::closed}},
                       ten_seconds) == "CCCOOOOOCC");
  CHECK(lane_of_states({{milliseconds(7500), State::closed}}, ten_seconds) == "       CCC");
  CHECK(lane_of_states({{Offset(0), State::closed}, {seconds(5), State::unknown}},
                       {4, seconds(2), milliseconds(9'500)}) ==
        "C?"
        "??");
  CHECK(lane_of_states({}, ten_seconds) == std::string(10, ' '));
}

TEST_CASE("a lane begins with the state in force then") {
  CHECK(lane_of_states({{Offset(0), State::open}, {seconds(1), State::half_open}, {milliseconds(1100), State::closed}},
                       {5, seconds(1), seconds(60)}) == "CCCCC");
}

TEST_CASE("a short half-open period shows in its column") {
  CHECK(lane_of_states(
            {{Offset(0), State::open}, {milliseconds(4200), State::half_open}, {milliseconds(4201), State::closed}},
            ten_seconds) == "OOOOHCCCCC");
}

TEST_CASE("an instance on its local breaker has small letters") {
  CHECK(lane_of_states({{Offset(0), State::closed}, {seconds(6), State::open, true}}, ten_seconds) == "CCCCCCoooo");
}

TEST_CASE("of several marks in a column the most important one shows, and each instance has its marks") {
  const auto probe = [](Offset at) { return Mark{0, at, CallStatus::failure, true}; };
  const auto late = [](Offset at) { return Mark{0, at, CallStatus::failure, false, true}; };
  const auto wasted = [](Offset at) { return Mark{0, at, CallStatus::failure, false, false, true}; };
  const std::vector<Mark> marks{failure(0, milliseconds(100)),
                                probe(seconds(2)),
                                failure(0, milliseconds(2500)),
                                wasted(seconds(4)),
                                late(seconds(6)),
                                wasted(seconds(6)),
                                probe(milliseconds(4100)),
                                failure(1, seconds(8))};
  CHECK(lane_of_marks(marks, 0, ten_seconds) == "x o ! ^   ");
  CHECK(lane_of_marks(marks, 1, ten_seconds) == "        x ");
}

TEST_CASE("a screen has a lane and marks for each instance, agreement, calls, ledger and Redis") {
  const std::string text = text_of(watch_screen(twenty_seconds(), {80, 24}, Screen::plain));
  for (const char* part : {"2 instances of unreliable_service; upstream http://127.0.0.1:9000: fails 60 %\n",
                           "Instance-A open     ", " CCOOOOOOOOO\n", "Instance-B closed    ", " CCCCCCCCCCC\n",
                           "    x  ", "agreement  1 open, 1 closed; disagreeing for 15.3 s, 15.3 s in all\n",
                           "calls      success 50, failure 5, exception 1, blocked 40; wasted 7\n",
                           "upstream   received 55: success 50, failure 5, hang 0, drop 0\n",
                           "Redis      none: each instance has its own breaker\n", "118 s ago", "now\n"}) {
    CHECK_MESSAGE(has(text, part), std::string(part) << " is not in\n" << text);
  }
  CHECK_FALSE(has(text, "\033"));
}

TEST_CASE("a hint about keys stands beside the time, and three instances fit 17 lines, as in lab.sh") {
  FleetSnapshot three = twenty_seconds();
  three.targets.push_back({"Instance-C", "http://127.0.0.1:8003"});
  three.instances.push_back(three.instances.back());
  three.lanes.push_back(three.lanes.back());
  const auto lines = watch_screen(three, {80, 24}, Screen::plain, "q: quit");
  CHECK(lines.size() == 17);
  CHECK(lines[8].starts_with("q: quit              118 s ago "));
  CHECK(watch_screen(three, {80, 17}, Screen::plain, "q: quit") == lines);
}

TEST_CASE("on a terminal states have colours, which end with the line") {
  const auto lines = watch_screen(twenty_seconds(), {80, 24}, Screen::terminal);
  CHECK(has(lines[2], "\033[30;42mCC\033[0m\033[97;41mOOOOOOOOO\033[0m"));
  CHECK(lines[2].ends_with("\033[0m"));
}

TEST_CASE("a wide screen shows a second in each column, and no line or screen is too long") {
  CHECK(has(text_of(watch_screen(twenty_seconds(), {160, 24}, Screen::plain)), " CCCCCOOOOOOOOOOOOOOOO\n"));
  for (const ScreenSize size : {ScreenSize{40, 10}, ScreenSize{20, 5}, ScreenSize{1, 1}}) {
    const auto lines = watch_screen(twenty_seconds(), size, Screen::plain);
    CHECK(lines.size() <= size.lines);
    for (const std::string& line : lines) CHECK(line.size() <= size.columns);
  }
}

TEST_CASE("the Redis line says how many instances share it, or which ones are on their local breaker and why") {
  FleetSnapshot shared = twenty_seconds();
  for (ObservedInstance& instance : shared.instances) instance.status.store = "redis";
  shared.instances[1].status.view_age_ms = 12;
  CHECK(has(text_of(figure_lines(shared)), "Redis      shared by 2; the oldest view of it is 12 ms old"));
  shared.instances[1].status.store = "local";
  shared.instances[1].status.store_error = "connection refused";
  shared.instances[1].status.override_mode = "forced_open";
  CHECK(has(text_of(figure_lines(shared)), "Redis      away for Instance-B: connection refused"));
  CHECK(has(text_of(figure_lines(shared)), "override   forced_open"));
}

TEST_CASE("an instance that does not answer is in neither the Redis line nor the override line") {
  FleetSnapshot three = twenty_seconds();
  for (ObservedInstance& instance : three.instances) instance.status.store = "redis";
  three.instances[1].status.view_age_ms = 12;
  three.targets.push_back({"Instance-C", "http://127.0.0.1:8003"});
  three.instances.push_back({false, status_of("Instance-C", State::open, "local")});
  three.instances[2].status.store_error = "connection refused";
  three.instances[2].status.view_age_ms = 90'000;
  three.instances[2].status.override_mode = "forced_open";
  CHECK(has(text_of(figure_lines(three)), "Redis      shared by 2; the oldest view of it is 12 ms old\n"));
  CHECK_FALSE(has(text_of(figure_lines(three)), "override"));
  for (ObservedInstance& instance : three.instances) instance.answers = false;
  CHECK(has(text_of(figure_lines(three)), "Redis      unknown: no instance answers\n"));
}

TEST_CASE("names and causes cannot command the terminal") {
  const std::string clear = "\033[2J\u009b2J\a\r\n";
  FleetSnapshot evil = twenty_seconds();
  evil.targets[0].name = clear;
  evil.instances[0].status = status_of(clear, State::open, "local");
  evil.instances[0].status.breaker = evil.instances[0].status.store_error = evil.instances[0].status.override_mode =
      clear;
  evil.upstream.url = clear;
  evil.upstream.fault.dropped_callers = {clear};
  evil.transitions[0].cause = clear;
  WatchLog log;
  const std::string text = text_of(watch_screen(evil, {80, 24}, Screen::plain)) + WatchLog::heading(evil) +
                           WatchLog::moment(evil) + text_of(log.new_transitions(evil));
  CHECK(std::all_of(text.begin(), text.end(), [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
  CHECK(has(text, "?[2J"));
}

TEST_CASE("in a pipe each transition is printed once, and each moment is a line") {
  WatchLog log;
  FleetSnapshot snapshot = twenty_seconds();
  CHECK(log.new_transitions(snapshot) ==
        std::vector<std::string>{"   5.2 Instance-A: closed -> open, 3 consecutive failures"});
  CHECK(log.new_transitions(snapshot).empty());
  snapshot.transitions.push_back(trip(1, seconds(21), "forced by an operator"));
  CHECK(log.new_transitions(snapshot) ==
        std::vector<std::string>{"  21.0 Instance-B: closed -> open, forced by an operator"});
  CHECK(WatchLog::moment(snapshot) == "    20       50       6      40        7  O C  1 open, 1 closed");
  CHECK(WatchLog::heading(snapshot).ends_with("second       ok  failed blocked   wasted  states"));
}
