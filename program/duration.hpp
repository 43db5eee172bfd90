// Durations as people write them, on command lines and in plans.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace program {

// `250ms`, `10s`, `1.5s`, `2m`, `1h`, `0`. Nothing for any other text, a negative duration, or more than 365 days.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

// The shortest form that parse_duration() reads back: 90s, 2m, 1500ms.
std::string to_text(std::chrono::milliseconds duration);

}  // namespace program
