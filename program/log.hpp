// One log line is for a person: time of day, then a sentence; coloured on a terminal, plain in a pipe and with
// NO_COLOR. Or, as JSON, for a program that collects logs:
//   {"at":"2026-01-31T12:34:56.789Z","level":"info","message":"Instance-A: stopped"}
// one object a line whatever the message holds; `at` is UTC.
#pragma once

#include <unistd.h>

#include <string_view>

namespace program {

enum class LogFormat { text, json };

// Sets up spdlog's default logger on standard output; each line is flushed, so a pipe sees it at once.
void set_up_log(LogFormat format = LogFormat::text);

// Whether colours suit this descriptor: a terminal, and NO_COLOR is not set (https://no-color.org).
bool supports_colours(int descriptor = STDOUT_FILENO);

}  // namespace program
