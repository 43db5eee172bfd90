// One log line is for a person: time of day, then a sentence. Coloured on a terminal, plain in a pipe and with
// NO_COLOR.
#pragma once

#include <unistd.h>

#include <string_view>

namespace program {

// Sets up spdlog's default logger on standard output; each line is flushed, so a pipe sees it at once.
void set_up_log();

// Whether colours suit this descriptor: a terminal, and NO_COLOR is not set (https://no-color.org).
bool colours_suit(int descriptor = STDOUT_FILENO);

}  // namespace program
