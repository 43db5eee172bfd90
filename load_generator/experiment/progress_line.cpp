#include "load_generator/experiment/progress_line.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <utility>

#include "program/text.hpp"

namespace load {
namespace {

constexpr const char* erase_line = "\r\033[K";
constexpr size_t bar_width = 20;

double seconds(std::chrono::milliseconds time) { return static_cast<double>(time.count()) / 1000; }

}  // namespace

ProgressLine::ProgressLine(std::ostream& out, const Canvas& canvas, std::string what, std::chrono::milliseconds length)
    : out_(out), canvas_(canvas), what_(std::move(what)), length_(length) {
  if (canvas_.screen == Screen::plain) {
    out_ << what_ << fmt::format(", {:.1f} s\n", seconds(length_)) << std::flush;
  } else {
    draw("starts");
  }
}

ProgressLine::~ProgressLine() {
  if (canvas_.screen == Screen::terminal) out_ << erase_line << std::flush;
}

void ProgressLine::fleet_is_up(const std::vector<Target>& /*targets*/, const std::string& /*upstream*/) {
  tick(Offset(0));
}

void ProgressLine::tick(Offset now) {
  if (canvas_.screen == Screen::plain) return;
  const double all = seconds(length_), over = std::min(all, to_ms(now) / 1000);
  const auto filled = static_cast<size_t>(over / all * bar_width);
  draw(fmt::format("[{}{}] {:.1f} of {:.1f} s", std::string(filled, '#'), std::string(bar_width - filled, '.'), over,
                   all));
}

// A line as wide as the terminal would wrap, and could not be erased.
void ProgressLine::draw(const std::string& text) {
  out_ << erase_line << program::shortened(what_ + "  " + text, canvas_.columns - 1) << std::flush;
}

}  // namespace load
