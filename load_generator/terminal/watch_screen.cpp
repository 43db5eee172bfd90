#include "load_generator/terminal/watch_screen.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <utility>

#include "load_generator/live/recent_history.hpp"
#include "load_generator/record/text.hpp"
#include "load_generator/terminal/watch_lane.hpp"
#include "load_generator/terminal/watch_words.hpp"
#include "program/text.hpp"

namespace load {
namespace {

constexpr size_t longest_label = 16;
constexpr size_t state_width = 11;  // half-open, and a blank on either side
constexpr size_t fewest_columns = 10;
constexpr const char* legend = "C closed, O open, H half-open, ? no answer; c o h: on its local breaker";
constexpr const char* legend_of_marks = "x failed, ! failed after another instance had opened, o probe, ^ late result";

// Cut at the front: the end of a URL distinguishes it.
std::string label(const Target& target) {
  const std::string text = terminal_text(target.name, target.name.size());
  return text.size() <= longest_label ? text : "..." + text.substr(text.size() - (longest_label - 3));
}

const char* colour(char sign) {
  switch (sign) {
    case 'C':
    case 'c':
      return "\033[30;42m";
    case 'O':
    case 'o':
      return "\033[97;41m";
    case 'H':
    case 'h':
      return "\033[30;43m";
    case '?':
      return "\033[2m";
    default:
      return "";
  }
}

// A state's letter brings its colour; equal neighbours share it.
std::string coloured(const std::string& letters, Screen screen) {
  if (screen == Screen::plain) return letters;
  std::string text;
  for (size_t i = 0; i < letters.size(); ++i) {
    if (i == 0 || letters[i] != letters[i - 1]) text += std::string("\033[0m") + colour(letters[i]);
    text += letters[i];
  }
  return text + "\033[0m";
}

class WatchPage {
 public:
  WatchPage(const FleetSnapshot& snapshot, ScreenSize size, Screen screen, const std::string& hint)
      : snapshot_(snapshot), size_(size), screen_(screen), hint_(hint) {
    for (const Target& target : snapshot_.targets) label_width_ = std::max(label_width_, label(target).size());
    span_.columns = std::max(fewest_columns, size_.columns - std::min(size_.columns, label_width_ + state_width));
    span_.now = snapshot_.now;
    if (static_cast<int64_t>(span_.columns) * span_.step < RecentHistory::length) span_.step *= 2;
  }

  std::vector<std::string> lines() {
    add(title_line(snapshot_));
    add("");
    for (size_t target = 0; target < snapshot_.targets.size(); ++target) add_lane(target);
    add(fmt::format("{:<{}}", hint_, label_width_ + state_width) + time_axis());
    add("");
    for (const std::string& line : figure_lines(snapshot_)) add(line);
    add("");
    add(legend);
    add(legend_of_marks);
    if (lines_.size() > size_.lines) lines_.resize(size_.lines);
    return std::move(lines_);
  }

 private:
  void add(const std::string& text) { lines_.push_back(program::shortened(text, size_.columns)); }

  void add_lane(size_t target) {
    const std::string head = fmt::format("{:<{}} {:<{}}", label(snapshot_.targets[target]), label_width_,
                                         state_in_words(snapshot_.instances[target]), state_width - 1);
    const std::string lane = lane_of_states(snapshot_.lanes[target], span_);
    add(head + lane);
    if (lines_.back().size() == head.size() + lane.size()) lines_.back() = head + coloured(lane, screen_);
    add(std::string(head.size(), ' ') + lane_of_marks(snapshot_.marks, target, span_));
  }

  std::string time_axis() const {
    const auto length = static_cast<int64_t>(span_.columns) * span_.step;
    const std::string left = fmt::format("{} s ago", length / std::chrono::seconds(1));
    const size_t gap = span_.columns > left.size() + 3 ? span_.columns - left.size() - 3 : 1;
    return left + std::string(gap, ' ') + "now";
  }

  const FleetSnapshot& snapshot_;
  const ScreenSize size_;
  const Screen screen_;
  const std::string hint_;
  size_t label_width_ = 0;
  LaneSpan span_;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> watch_screen(const FleetSnapshot& snapshot, ScreenSize size, Screen screen,
                                      const std::string& hint) {
  return WatchPage(snapshot, size, screen, hint).lines();
}

std::string WatchLog::heading(const FleetSnapshot& snapshot) {
  return fmt::format("{}\n{}; from left to right:\n{}\n{:>6} {:>8} {:>7} {:>7} {:>8}  {}", title_line(snapshot), legend,
                     joined(snapshot.targets, label), "second", "ok", "failed", "blocked", "wasted", "states");
}

std::string WatchLog::moment(const FleetSnapshot& snapshot) {
  const CallCounts calls = snapshot.calls();
  std::string letters;
  for (const ObservedInstance& instance : snapshot.instances) {
    if (!letters.empty()) letters += ' ';
    letters += lane_sign(instance.state(), instance.status.local);
  }
  return fmt::format("{:>6.0f} {:>8} {:>7} {:>7} {:>8}  {}  {}", to_ms(snapshot.now) / 1000, calls.success,
                     calls.failure + calls.exception, calls.blocked, snapshot.wasted, letters,
                     snapshot.agreement_text());
}

std::vector<std::string> WatchLog::new_transitions(const FleetSnapshot& snapshot) {
  std::vector<std::string> lines;
  std::set<Identity> in_snapshot;
  for (const Transition& each : snapshot.transitions) {
    const Identity identity{each.at, each.target, each.generation, each.from, each.to, each.cause};
    if (in_snapshot.insert(identity).second && !printed_.contains(identity)) {
      lines.push_back(transition_line(snapshot.targets, each));
    }
  }
  printed_ = std::move(in_snapshot);
  return lines;
}

}  // namespace load
