#include "load_generator/scenario/program_settings.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "program/duration.hpp"

namespace load {
namespace {

constexpr Between<double> numbers{-1e9, 1e9};
constexpr Between<int64_t> a_day_in_ms{0, 86'400'000};
constexpr size_t longest_setting_name = 64;
constexpr size_t longest_value = 200;
constexpr std::string_view in_ms = "_ms";

bool is_setting_name(const std::string& name) {
  const auto fits = [](char letter) { return (letter >= 'a' && letter <= 'z') || letter == '_'; };
  return !name.empty() && name.size() <= longest_setting_name && std::all_of(name.begin(), name.end(), fits);
}

std::string read_value(StrictObject& entry, const std::string& field) {
  if (field.ends_with(in_ms)) {
    return program::to_text(std::chrono::milliseconds(entry.integer(field, a_day_in_ms)));
  }
  return entry.is_text(field) ? entry.text(field, longest_value) : fmt::format("{}", entry.number(field, numbers));
}

}  // namespace

Settings read_settings(StrictObject entry) {
  Settings settings;
  for (const std::string& field : entry.fields()) {
    const std::string name = field.substr(0, field.size() - (field.ends_with(in_ms) ? in_ms.size() : 0));
    if (!is_setting_name(field) || name.empty())
      entry.complain(field, "a name of up to 64 lowercase letters and underscores");
    if (!settings.emplace(name, read_value(entry, field)).second)
      entry.complain(field, "there once, not also as a text");
  }
  return settings;
}

Settings changed(const Settings& base, const Settings& changes) {
  Settings result = changes;
  result.insert(base.begin(), base.end());  // keeps existing entries
  return result;
}

std::vector<std::string> options(const Settings& settings) {
  std::vector<std::string> options;
  for (const auto& [name, value] : settings) {
    std::string option = "--" + name + "=";  // one word, so that no value can be read as an option
    std::replace(option.begin(), option.end(), '_', '-');
    options.push_back(option + value);
  }
  return options;
}

std::optional<std::chrono::milliseconds> duration_in(const Settings& settings, const std::string& name) {
  const auto found = settings.find(name);
  return found == settings.end() ? std::nullopt : program::parse_duration(found->second);
}

}  // namespace load
