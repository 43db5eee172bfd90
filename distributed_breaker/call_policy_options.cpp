#include "distributed_breaker/call_policy_options.hpp"

#include <algorithm>

#include "program/options.hpp"

namespace cb {
namespace {

std::string dashed(std::string_view name) {
  std::string text(name);
  std::replace(text.begin(), text.end(), '_', '-');
  return text;
}

std::string help_of(const CallSetting& setting) {
  return std::string(setting.meaning) + " (0: " + std::string(setting.zero) + ")";
}

void add_setting(CLI::App& app, CallPolicy& policy, const CallSetting& setting) {
  const std::string option = "--" + dashed(setting.name);
  if (const auto* duration = std::get_if<std::chrono::milliseconds CallPolicy::*>(&setting.member)) {
    program::add_duration(app, option, policy.**duration, help_of(setting));
  } else if (const auto* share = std::get_if<double CallPolicy::*>(&setting.member)) {
    app.add_option(option, policy.**share, help_of(setting))->capture_default_str();
  } else {
    app.add_option(option, policy.*std::get<int CallPolicy::*>(setting.member), help_of(setting))
        ->capture_default_str();
  }
}

void add_fallback(CLI::App& app, Fallback& fallback) {
  const auto read = [&fallback](const std::string& text) {
    for (const Fallback known : {Fallback::none, Fallback::fixed, Fallback::last_good}) {
      if (text == dashed(to_text(known))) return void(fallback = known);
    }
    throw CLI::ValidationError("--fallback", "'" + text + "' is no fallback; write none, fixed or last-good");
  };
  app.add_option_function<std::string>("--fallback", read,
                                       "What a call without an answer is answered with: none, fixed or last-good")
      ->type_name("KIND")
      ->default_str(dashed(to_text(fallback)));
}

}  // namespace

void add_call_policy_options(CLI::App& app, CallPolicy& policy) {
  for (const CallSetting& setting : call_settings()) add_setting(app, policy, setting);
  add_fallback(app, policy.fallback);
  app.add_option("--fallback-answer", policy.fallback_answer, "The answer of --fallback fixed: JSON, at most 4 KiB")
      ->type_name("JSON");
}

}  // namespace cb
