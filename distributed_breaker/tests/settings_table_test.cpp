// Checks the tables of settings in the main README against the settings of the programs.
#include <doctest/doctest.h>

#include <array>
#include <charconv>
#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "distributed_breaker/resilience/call_policy.hpp"
#include "program/duration.hpp"
#include "simple_breaker/policy.hpp"

using namespace cb;

namespace {

std::string trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(' ');
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// The cells of the row that begins with `name` in backticks; empty without such a row.
std::vector<std::string> row_of(std::string_view name) {
  std::ifstream readme(LAB_SOURCE_DIR "/README.md");
  const std::string start = "| `" + std::string(name) + "` ";
  for (std::string line; std::getline(readme, line);) {
    if (!line.starts_with(start)) continue;
    std::istringstream row(line.substr(1));
    std::vector<std::string> cells;
    for (std::string cell; std::getline(row, cell, '|');) cells.push_back(trimmed(cell));
    return cells;
  }
  return {};
}

// The words in bold that precede that row.
std::string heading_of(std::string_view name) {
  std::ifstream readme(LAB_SOURCE_DIR "/README.md");
  std::string heading;
  for (std::string line; std::getline(readme, line);) {
    if (line.starts_with("**")) heading = line.substr(2, line.find("**", 2) - 2);
    if (line.starts_with("| `" + std::string(name) + "` ")) return heading;
  }
  return "";
}

std::string written(std::chrono::milliseconds duration) { return program::to_text(duration); }
std::string written(int number) { return std::to_string(number); }
std::string written(double number) {
  std::array<char, 32> text{};
  return {text.begin(), std::to_chars(text.begin(), text.end(), number).ptr};
}

template <class Struct>
void check_row(const Setting<Struct>& setting, const std::string& default_value) {
  CAPTURE(setting.name);
  const auto row = row_of(setting.name);
  REQUIRE(row.size() == 4);
  CHECK(heading_of(setting.name) == setting.group);
  CHECK(row[1] == default_value);
  CHECK(row[2] == (setting.zero.empty() ? "refused" : setting.zero));
  CHECK(!row[3].empty());
}

}  // namespace

TEST_CASE(
    "the README lists every setting of the breaker under the heading of --help, its default and what zero means") {
  for (const Setting<Policy>& setting : settings()) {
    const auto value = std::visit([](auto field) { return written(Policy{}.*field); }, setting.field);
    check_row(setting, value);
  }
}

TEST_CASE("the README lists every setting of the protections, its default and what zero means") {
  for (const Setting<CallPolicy>& setting : call_settings()) {
    const auto value = std::visit([](auto field) { return written(CallPolicy{}.*field); }, setting.field);
    check_row(setting, value);
  }
}
