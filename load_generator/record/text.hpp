// Numbers and paragraphs as the reports print them.
#pragma once

#include <string>

namespace load {

// 3, 9.07, 4012
std::string number_text(double number);

// `text` in lines of at most `width` columns, each after the first indented.
std::string wrapped(const std::string& text, size_t width, const std::string& indent);

}  // namespace load
