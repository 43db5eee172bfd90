#include "load_generator/record/text.hpp"

#include <spdlog/fmt/fmt.h>

#include <cmath>

namespace load {

std::string number_text(double number) {
  return number == std::floor(number) ? fmt::format("{:.0f}", number) : fmt::format("{:.2f}", number);
}

}  // namespace load
