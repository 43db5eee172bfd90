// Log lines for people: time of day, then a sentence; coloured on a terminal, plain in a pipe and with NO_COLOR.
// Or JSON for log collectors, one object a line whatever the message contains; `at` is UTC:
//   {"at":"2026-01-31T12:34:56.789Z","level":"info","message":"Instance-A: stopped"}
// Logging never waits for a reader: a line that standard output does not take at once is dropped and counted. The next
// line that can be written is preceded by one that says how many are missing.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <string_view>

namespace program {

enum class LogFormat { text, json };

// Makes spdlog's default logger write to standard output, and flush each line so that a pipe gets it at once.
void set_up_log(LogFormat format = LogFormat::text);

// Since the start of the process.
uint64_t log_lines_dropped();

// True if this descriptor is a terminal and NO_COLOR is not set (https://no-color.org).
bool supports_colours(int descriptor = STDOUT_FILENO);

}  // namespace program
