#include "load_generator/simulation/redis/command.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace simulation {
namespace {

// As strtod() has it: the empty text is 0, and spaces before the number are skipped.
double to_double(const std::string& text, const char* error) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (end != text.c_str() + text.size() || std::isnan(number)) throw Refusal{error};
  return number;
}

}  // namespace

bool is(std::string_view word, std::string_view upper) {
  return std::equal(word.begin(), word.end(), upper.begin(), upper.end(), [](char letter, char capital) {
    return letter == capital || (letter >= 'a' && letter <= 'z' && letter - 'a' + 'A' == capital);
  });
}

std::string lower(std::string_view upper) {
  std::string text(upper);
  for (char& letter : text) letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  return text;
}

int64_t to_integer(std::string_view text) {
  int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  if (std::to_string(number) != text) throw Refusal{"ERR value is not an integer or out of range"};
  return number;
}

double to_score(std::string_view text) {
  constexpr const char* error = "ERR value is not a valid float";
  if (text.empty() || std::isspace(static_cast<unsigned char>(text[0])) != 0) throw Refusal{error};
  return to_double(std::string(text), error);
}

ScoreBound to_bound(std::string_view text) {
  const bool is_exclusive = !text.empty() && text[0] == '(';
  return {to_double(std::string(text.substr(is_exclusive ? 1 : 0)), "ERR min or max is not a float"), is_exclusive};
}

std::string number_text(double number) {
  const bool is_integer = std::abs(number) < 1e16 && number == std::trunc(number);  // as most are: that is quicker
  if (is_integer && (number != 0 || !std::signbit(number))) return std::to_string(static_cast<int64_t>(number));
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.17g", number);
  return text.data();
}

}  // namespace simulation
