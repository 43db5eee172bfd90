#include "load_generator/load/live_lines.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "load_generator/record/text.hpp"
#include "program/log.hpp"

namespace load {
namespace {

constexpr const char* erase_line = "\r\033[K";
constexpr size_t bar_width = 40;

const char* colour(State state) {
  switch (state) {
    case State::closed:
      return "\033[32m";
    case State::open:
      return "\033[31m";
    case State::half_open:
      return "\033[33m";
    case State::unknown:
      break;
  }
  return "\033[2m";
}

}  // namespace

Screen screen_of_standard_output() { return program::supports_colours() ? Screen::terminal : Screen::plain; }

void LiveLines::fleet_is_up(const std::vector<Target>& targets, const std::string& /*upstream*/) {
  out_ << "C closed, O open, H half-open, ? no answer; from left to right:\n"
       << wrapped(joined(targets, &Target::name), 80, "") << "\n"
       << fmt::format("{:>6} {:>7} {:>7} {:>7} {:>8}  {}\n", "second", "sent", "ok", "failed", "blocked", "states")
       << std::flush;
}

void LiveLines::second_ended(const SecondSummary& second) {
  if (screen_ == Screen::terminal) out_ << erase_line;
  out_ << fmt::format("{:>6} {:>7} {:>7} {:>7} {:>8}  {}", second.number, second.sent, second.ok, second.failed,
                      second.blocked, letters(second.states));
  if (second.unreachable > 0) out_ << "  (" << second.unreachable << " unreachable)";
  out_ << "\n" << std::flush;
}

void LiveLines::fault_applied(Offset at, const std::string& what) {
  if (screen_ == Screen::terminal) out_ << erase_line;
  out_ << fmt::format("{:>6.1f} {}\n", to_ms(at) / 1000, what) << std::flush;
}

void LiveLines::tick(Offset now) {
  if (screen_ == Screen::plain) return;
  const double done = std::min(1.0, to_ms(now) / static_cast<double>(duration_.count()));
  const auto filled = static_cast<size_t>(done * bar_width);
  out_ << erase_line
       << fmt::format("[{}{}] {:.0f} %", std::string(filled, '#'), std::string(bar_width - filled, '.'), done * 100)
       << std::flush;
}

void LiveLines::load_ended() {
  if (screen_ == Screen::terminal) out_ << erase_line << std::flush;
}

std::string LiveLines::letters(const std::vector<State>& states) const {
  std::string text;
  for (const State state : states) {
    if (!text.empty()) text += ' ';
    text += screen_ == Screen::terminal ? std::string(colour(state)) + letter(state) + "\033[0m"
                                        : std::string(1, letter(state));
  }
  return text;
}

}  // namespace load
