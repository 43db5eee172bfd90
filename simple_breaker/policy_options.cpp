#include "simple_breaker/policy_options.hpp"

#include <algorithm>

#include "program/options.hpp"

namespace cb {
namespace {

std::string option_name(std::string_view setting) {
  std::string name = "--" + std::string(setting);
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

void add(CLI::App& app, const std::string& name, std::chrono::milliseconds& value, const std::string& meaning) {
  program::add_duration(app, name, value, meaning);
}

void add(CLI::App& app, const std::string& name, auto& value, const std::string& meaning) {
  app.add_option(name, value, meaning)->capture_default_str();
}

}  // namespace

void add_policy_options(CLI::App& app, Policy& policy) {
  for (const Setting& setting : settings()) {
    const std::string zero = setting.zero.empty() ? "" : " (0: " + std::string(setting.zero) + ")";
    std::visit(
        [&](auto field) { add(app, option_name(setting.name), policy.*field, std::string(setting.meaning) + zero); },
        setting.field);
  }
}

}  // namespace cb
