#include "load_generator/terminal/watch_screen.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <utility>

#include "load_generator/terminal/watch_lane.hpp"
#include "load_generator/terminal/watch_words.hpp"

namespace load {
namespace {

using json = nlohmann::ordered_json;

constexpr size_t longest_label = 16;
constexpr size_t state_width = 11;  // half-open, and a blank on either side
constexpr size_t fewest_columns = 10;
constexpr const char* legend = "C closed, O open, H half-open, ? no answer; c o h: goes by its own breaker";
constexpr const char* legend_of_marks = "x failed, ! failed while another knew better, o probe, ^ late result";

// The end of a long name, a URL say, tells more than its start.
std::string label(const json& instance) {
  const std::string name = instance.at("name");
  const std::string text = terminal_text(name, name.size());
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

class Page {
 public:
  Page(const json& frame, ScreenSize size, Screen screen) : frame_(frame), size_(size), screen_(screen) {
    for (const json& instance : frame_.at("instances")) {
      label_width_ = std::max(label_width_, label(instance).size());
    }
    span_.columns = std::max(fewest_columns, size_.columns - std::min(size_.columns, label_width_ + state_width));
    span_.now_ms = frame_.value("now_ms", 0.0);
    const double window_ms = frame_.value("window_ms", 120'000.0);
    if (static_cast<double>(span_.columns) * span_.step_ms < window_ms) span_.step_ms *= 2;
  }

  std::vector<std::string> lines() {
    add(title_line(frame_));
    add("");
    for (const json& instance : frame_.at("instances")) add_lane(instance);
    add(std::string(label_width_ + state_width, ' ') + time_axis());
    add("");
    for (const std::string& line : figure_lines(frame_)) add(line);
    add("");
    add(legend);
    add(legend_of_marks);
    if (lines_.size() > size_.lines) lines_.resize(size_.lines);
    return std::move(lines_);
  }

 private:
  void add(const std::string& text) { lines_.push_back(text.substr(0, size_.columns)); }

  void add_lane(const json& instance) {
    const std::string name = instance.at("name");
    const std::string head =
        fmt::format("{:<{}} {:<{}}", label(instance), label_width_, state_in_words(instance), state_width - 1);
    const json states = frame_.at("states").value(name, json::array());
    const std::string lane = lane_of_states(states, span_);
    add(head + lane);
    if (lines_.back().size() == head.size() + lane.size()) lines_.back() = head + coloured(lane, screen_);
    add(std::string(head.size(), ' ') + lane_of_marks(frame_.at("marks"), name, span_));
  }

  std::string time_axis() const {
    const auto seconds = static_cast<int>(static_cast<double>(span_.columns) * span_.step_ms / 1000);
    const std::string left = fmt::format("{} s ago", seconds);
    const size_t gap = span_.columns > left.size() + 3 ? span_.columns - left.size() - 3 : 1;
    return left + std::string(gap, ' ') + "now";
  }

  const json& frame_;
  const ScreenSize size_;
  const Screen screen_;
  size_t label_width_ = 0;
  LaneSpan span_;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> watch_screen(const json& frame, ScreenSize size, Screen screen) {
  return Page(frame, size, screen).lines();
}

std::string WatchLog::heading(const json& frame) {
  std::string names;
  for (const json& instance : frame.at("instances")) {
    names += (names.empty() ? "" : ", ") + label(instance);
  }
  return fmt::format("{}\n{}; from left to right:\n{}\n{:>6} {:>8} {:>7} {:>7} {:>8}  {}", title_line(frame), legend,
                     names, "second", "ok", "failed", "blocked", "wasted", "states");
}

std::string WatchLog::moment(const json& frame) {
  const json& calls = frame.at("calls");
  std::string letters;
  for (const json& instance : frame.at("instances")) letters += (letters.empty() ? "" : " ") + present_letter(instance);
  const int64_t failed = calls.value("failure", int64_t{0}) + calls.value("exception", int64_t{0});
  return fmt::format("{:>6.0f} {:>8} {:>7} {:>7} {:>8}  {}  {}", frame.value("now_ms", 0.0) / 1000,
                     calls.value("success", int64_t{0}), failed, calls.value("blocked", int64_t{0}),
                     frame.value("wasted", int64_t{0}), letters,
                     terminal_text(frame.at("agreement").value("text", ""), 60));
}

std::vector<std::string> WatchLog::new_transitions(const json& frame) {
  std::vector<std::string> lines;
  std::set<std::string> in_window;
  for (const json& transition : frame.at("transitions")) {
    const std::string key = transition.dump(-1, ' ', false, json::error_handler_t::replace);
    if (!told_.contains(key) && in_window.insert(key).second) lines.push_back(transition_line(transition));
    in_window.insert(key);
  }
  told_ = std::move(in_window);
  return lines;
}

}  // namespace load
