// Settings as command-line options: failure_threshold is --failure-threshold. Separate from the settings themselves, so
// that the breaker does not depend on command lines.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "program/options.hpp"
#include "simple_breaker/policies/setting.hpp"

namespace cb {

inline std::string option_name(std::string_view setting) {
  std::string name = "--" + std::string(setting);
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

// `values` holds the defaults, which --help shows, and must outlive the parsing. Parsing does not check ranges.
template <class Struct>
void add_settings(CLI::App& app, Struct& values, std::span<const Setting<Struct>> settings) {
  for (const Setting<Struct>& setting : settings) {
    const std::string zero = setting.zero.empty() ? "" : " (0: " + std::string(setting.zero) + ")";
    const std::string name = option_name(setting.name), help = std::string(setting.meaning) + zero;
    CLI::Option* option = nullptr;
    if (const auto* duration = std::get_if<std::chrono::milliseconds Struct::*>(&setting.field)) {
      option = program::add_duration(app, name, values.**duration, help);
    } else if (const auto* share = std::get_if<double Struct::*>(&setting.field)) {
      option = app.add_option(name, values.**share, help)->capture_default_str();
    } else {
      option = app.add_option(name, values.*std::get<int Struct::*>(setting.field), help)->capture_default_str();
    }
    option->group(std::string(setting.group));
  }
}

}  // namespace cb
