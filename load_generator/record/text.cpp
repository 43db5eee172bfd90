#include "load_generator/record/text.hpp"

#include <spdlog/fmt/fmt.h>

#include <cmath>
#include <sstream>

namespace load {

std::string number_text(double number) {
  return number == std::floor(number) ? fmt::format("{:.0f}", number) : fmt::format("{:.2f}", number);
}

std::string wrapped(const std::string& text, size_t width, const std::string& indent) {
  std::istringstream words(text);
  std::string result;
  size_t column = 0;
  for (std::string word; words >> word; column += word.size() + 1) {
    if (column > 0 && column + word.size() > width) {
      result += "\n" + indent;
      column = 0;
    } else if (column > 0) {
      result += " ";
    }
    result += word;
  }
  return result;
}

}  // namespace load
