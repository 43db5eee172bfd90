// Settings as command-line options: failure_threshold is --failure-threshold. Separate from the settings themselves, so
// that the breaker does not depend on command lines.
#pragma once

#include <algorithm>
#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "program/command_line/options.hpp"
#include "simple_breaker/policies/setting.hpp"

namespace cb {

inline std::string option_name(std::string_view setting) {
  std::string name = "--" + std::string(setting);
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

// `values` holds the defaults, which --help shows, and must outlive the parsing. Parsing does not check ranges.
template <class Struct>
void add_settings(program::CommandLine& app, Struct& values, std::span<const Setting<Struct>> settings) {
  for (const Setting<Struct>& setting : settings) {
    const std::string zero = setting.zero.empty() ? "" : " (0: " + std::string(setting.zero) + ")";
    const std::string name = option_name(setting.name), help = std::string(setting.meaning) + zero;
    const auto option = [&](auto field) {
      if constexpr (std::is_same_v<decltype(field), std::chrono::milliseconds Struct::*>) {
        return app.add_duration(name, values.*field, help);
      } else {
        return app.add_option(name, values.*field, help);
      }
    };
    std::visit(option, setting.field).group(std::string(setting.group));
  }
}

}  // namespace cb
