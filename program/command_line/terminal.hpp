// What standard output can show.
#pragma once

#include <cstddef>

namespace program {

// The terminal's width, 40 to 120: longer lines are hard to read. 80 in a pipe.
size_t output_columns();

// True if the locale of LC_ALL, LC_CTYPE or LANG uses UTF-8.
bool shows_utf8();

}  // namespace program
