#include "load_generator/terminal/watch_screen.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "load_generator/terminal/watch_lane.hpp"
#include "load_generator/terminal/watch_words.hpp"
#include "load_generator/tests/seen_for_test.hpp"

using namespace load;
using json = nlohmann::ordered_json;

namespace {

json at(double seconds, const std::string& state) { return {{"at_ms_since_start", seconds * 1000}, {"state", state}}; }

json instance(const std::string& name, const std::string& state, const std::string& store = "memory") {
  return {{"name", name},      {"url", "http://127.0.0.1:8001"},
          {"answers", true},   {"breaker", "unreliable_service"},
          {"state", state},    {"store", store},
          {"store_error", ""}, {"view_age_ms", nullptr},
          {"generation", 1},   {"failures", 0},
          {"override", ""}};
}

json transition(const std::string& name, double seconds, const std::string& cause) {
  return {{"at_ms_since_start", seconds * 1000},
          {"instance", name},
          {"generation", 2},
          {"from", "closed"},
          {"to", "open"},
          {"cause", cause}};
}

// Twenty seconds of A and B: A opened after five, B never did.
json frame() {
  json seen{{"now_ms", 20'500.0}, {"window_ms", 120'000}, {"wasted", 7}};
  seen["instances"] = {instance("Instance-A", "open"), instance("Instance-B", "closed")};
  seen["states"] = {{"Instance-A", {at(0, "closed"), at(5.2, "open")}}, {"Instance-B", {at(0, "closed")}}};
  seen["transitions"] = json::array({transition("Instance-A", 5.2, "3 consecutive failures")});
  seen["marks"] = json::array({json{{"at_ms_since_start", 5100}, {"instance", "Instance-A"}, {"status", "failure"}}});
  seen["upstream"] = {{"url", "http://127.0.0.1:9000"},
                      {"answers", true},
                      {"fault", {{"failure_rate", 0.6}, {"latency_ms", 0}, {"hang_rate", 0}, {"drop_rate", 0}}},
                      {"ledger", {{"total", {{"received", 55}, {"success", 50}, {"failure", 5}}}}}};
  seen["agreement"] = {
      {"text", "1 open, 1 closed"}, {"agree", false}, {"disagreement_ms", 15'300}, {"disagreeing_for_ms", 15'300}};
  seen["calls"] = {{"success", 50}, {"failure", 5}, {"exception", 1}, {"blocked", 40}};
  return seen;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

constexpr LaneSpan ten_seconds{10, 1000, 9'500};

}  // namespace

TEST_CASE("a column of a lane is a second, and the last one is the present") {
  CHECK(lane_of_states({at(0, "closed"), at(3, "open"), at(8, "closed")}, ten_seconds) == "CCCOOOOOCC");
  CHECK(lane_of_states(json::array({at(7.5, "closed")}), ten_seconds) == "       CCC");
  CHECK(lane_of_states({at(0, "closed"), at(5, "unknown")}, {4, 2000, 9'500}) ==
        "C?"
        "??");
  CHECK(lane_of_states(json::array(), ten_seconds) == std::string(10, ' '));
}

TEST_CASE("what lies before the lane does not show, but for the state in force when it begins") {
  CHECK(lane_of_states({at(0, "open"), at(1, "half_open"), at(1.1, "closed")}, {5, 1000, 60'000}) == "CCCCC");
}

TEST_CASE("a short half-open stay shows in its column") {
  CHECK(lane_of_states({at(0, "open"), at(4.2, "half_open"), at(4.201, "closed")}, ten_seconds) == "OOOOHCCCCC");
}

TEST_CASE("an instance that goes by its own breaker has small letters") {
  json alone = at(6, "open");
  alone["store"] = "local";
  CHECK(lane_of_states({at(0, "closed"), alone}, ten_seconds) == "CCCCCCoooo");
}

TEST_CASE("of several marks in a column the one that tells most stands there, and each instance has its own") {
  const auto mark = [](double seconds, const std::string& name, const std::string& flag) {
    json made{{"at_ms_since_start", seconds * 1000}, {"instance", name}, {"status", "failure"}};
    if (!flag.empty()) made[flag] = true;
    return made;
  };
  const json marks{mark(0.1, "A", ""),      mark(2, "A", "probe"), mark(2.5, "A", ""),     mark(4, "A", "wasted"),
                   mark(4.1, "A", "probe"), mark(6, "A", "late"),  mark(6, "A", "wasted"), mark(8, "B", "")};
  CHECK(lane_of_marks(marks, "A", ten_seconds) == "x o ! ^   ");
  CHECK(lane_of_marks(marks, "B", ten_seconds) == "        x ");
}

TEST_CASE("a screen has a lane and marks for each instance, agreement, books and Redis") {
  const std::string text = joined(watch_screen(frame(), {80, 24}, Screen::plain));
  for (const char* part : {"2 instances of unreliable_service; upstream http://127.0.0.1:9000: fails 60 %\n",
                           "Instance-A open     ", " CCOOOOOOOOO\n", "Instance-B closed    ", " CCCCCCCCCCC\n",
                           "    x  ", "agreement  1 open, 1 closed; disagreeing for 15.3 s, 15.3 s in all\n",
                           "calls      success 50, failure 5, exception 1, blocked 40; wasted 7\n",
                           "upstream   received 55: success 50, failure 5, hang 0, drop 0\n",
                           "Redis      none: each instance has a breaker of its own\n", "118 s ago", "now\n"}) {
    CHECK_MESSAGE(has(text, part), std::string(part) << " is not in\n" << text);
  }
  CHECK_FALSE(has(text, "\033"));
}

TEST_CASE("on a terminal states have colours, and the line ends without one") {
  const auto lines = watch_screen(frame(), {80, 24}, Screen::terminal);
  CHECK(has(lines[2], "\033[30;42mCC\033[0m\033[97;41mOOOOOOOOO\033[0m"));
  CHECK(lines[2].ends_with("\033[0m"));
}

TEST_CASE("a wide screen shows a second in each column, and no screen is overflown") {
  CHECK(has(joined(watch_screen(frame(), {160, 24}, Screen::plain)), " CCCCCOOOOOOOOOOOOOOOO\n"));
  for (const ScreenSize size : {ScreenSize{40, 10}, ScreenSize{20, 5}, ScreenSize{1, 1}}) {
    const auto lines = watch_screen(frame(), size, Screen::plain);
    CHECK(lines.size() <= size.lines);
    for (const std::string& line : lines) CHECK(line.size() <= size.columns);
  }
}

TEST_CASE("what is shared is said, and who goes by a breaker of its own, and why") {
  json shared = frame();
  shared["instances"] = {instance("Instance-A", "open", "redis"), instance("Instance-B", "open", "redis")};
  shared["instances"][1]["view_age_ms"] = 12;
  CHECK(has(joined(figure_lines(shared)), "Redis      shared by 2; the oldest view of it is 12 ms old"));
  shared["instances"][1]["store"] = "local";
  shared["instances"][1]["store_error"] = "connection refused";
  shared["instances"][1]["override"] = "forced_open";
  CHECK(has(joined(figure_lines(shared)), "Redis      away for Instance-B: connection refused"));
  CHECK(has(joined(figure_lines(shared)), "override   forced_open"));
}

TEST_CASE("names and causes cannot command the terminal") {
  json evil = frame();
  const std::string clear = "\033[2J\u009b2J\a\r\n";
  evil["instances"][0]["name"] = clear;
  evil["instances"][0]["breaker"] = clear;
  evil["instances"][0]["store_error"] = clear;
  evil["instances"][0]["store"] = "local";
  evil["upstream"]["url"] = clear;
  evil["upstream"]["fault"]["dropped_callers"] = json::array({clear});
  evil["agreement"]["text"] = clear;
  evil["transitions"][0]["cause"] = clear;
  WatchLog log;
  const std::string text = joined(watch_screen(evil, {80, 24}, Screen::plain)) + WatchLog::heading(evil) +
                           WatchLog::moment(evil) + joined(log.new_transitions(evil));
  CHECK(std::all_of(text.begin(), text.end(), [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
  CHECK(has(text, "?[2J"));
}

TEST_CASE("in a pipe each transition is told once, and each moment is a line") {
  WatchLog log;
  json seen = frame();
  CHECK(log.new_transitions(seen) ==
        std::vector<std::string>{"   5.2 Instance-A: closed -> open, 3 consecutive failures"});
  CHECK(log.new_transitions(seen).empty());
  seen["transitions"].push_back(transition("Instance-B", 21, "forced by an operator"));
  CHECK(log.new_transitions(seen) ==
        std::vector<std::string>{"  21.0 Instance-B: closed -> open, forced by an operator"});
  CHECK(WatchLog::moment(seen) == "    20       50       6      40        7  O C  1 open, 1 closed");
  CHECK(WatchLog::heading(seen).ends_with("second       ok  failed blocked   wasted  states"));
}
