#include "program/duration.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace program {
namespace {

using std::chrono::milliseconds;

struct Unit {
  std::string_view name;
  milliseconds length;
};

constexpr std::array<Unit, 4> units{{{"h", std::chrono::hours(1)},
                                     {"m", std::chrono::minutes(1)},
                                     {"s", std::chrono::seconds(1)},
                                     {"ms", milliseconds(1)}}};
constexpr milliseconds longest = std::chrono::hours(24 * 365);

}  // namespace

std::optional<milliseconds> parse_duration(std::string_view text) {
  double number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{}) return std::nullopt;
  if (text == "0") return milliseconds(0);
  const std::string_view unit_name(rest, text.data() + text.size());
  for (const Unit& unit : units) {
    if (unit.name != unit_name) continue;
    const double count = std::round(number * static_cast<double>(unit.length.count()));
    const bool in_range = count >= 0 && count <= static_cast<double>(longest.count());
    return in_range ? std::optional(milliseconds(static_cast<milliseconds::rep>(count))) : std::nullopt;
  }
  return std::nullopt;
}

std::string to_text(milliseconds duration) {
  for (const Unit& unit : units) {
    if (duration != milliseconds(0) && duration % unit.length == milliseconds(0)) {
      return std::to_string(duration / unit.length).append(unit.name);
    }
  }
  return std::to_string(duration.count()) + "ms";
}

}  // namespace program
