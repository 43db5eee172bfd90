// A Setting describes one field of a struct of settings: its name, its meaning and its range. Options, validation, JSON
// and the table in README.md come from one list of them, so that none of these can omit a setting.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace cb {

template <class Struct>
struct Setting {
  using Field = std::variant<int Struct::*, double Struct::*, std::chrono::milliseconds Struct::*>;

  std::string_view name;     // failure_threshold
  std::string_view meaning;  // one line, for --help
  std::string_view zero;     // what zero means; empty: zero is out of range
  Field field;
  double least;  // in milliseconds for durations
  double most;
  std::string_view group;  // heading in --help and in README.md: When to open

  bool is_duration() const { return std::holds_alternative<std::chrono::milliseconds Struct::*>(field); }

  // The name in JSON and traces, where a duration's name has its unit.
  std::string json_name() const { return std::string(name) + (is_duration() ? "_ms" : ""); }
};

inline double as_number(double value) { return value; }
inline double as_number(std::chrono::milliseconds value) { return static_cast<double>(value.count()); }

// The shortest decimal that reads back as the same number, never with an exponent.
std::string to_text(double number);

// "success_threshold is 0; it must be 1 to 1000000"
std::string out_of_range(std::string_view name, double value, double least, double most, std::string_view unit);

// One line for each field that is out of range.
template <class Struct>
std::vector<std::string> out_of_range(const Struct& values, std::span<const Setting<Struct>> settings) {
  std::vector<std::string> faults;
  for (const Setting<Struct>& setting : settings) {
    const double value = std::visit([&](auto field) { return as_number(values.*field); }, setting.field);
    const bool fits = value >= setting.least && value <= setting.most;  // NaN does not
    const std::string_view unit = setting.is_duration() ? "ms" : "";
    if (!fits) faults.push_back(out_of_range(setting.name, value, setting.least, setting.most, unit));
  }
  return faults;
}

// Throws std::invalid_argument with all of them in one line, if there are any.
void require_none(const std::vector<std::string>& faults);

}  // namespace cb
