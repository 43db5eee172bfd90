#include "distributed_breaker/resilience/call_policy_options.hpp"

#include "simple_breaker/options/setting_options.hpp"

namespace cb {
namespace {

std::string dashed(std::string_view name) { return option_name(name).substr(2); }

void add_fallback(CLI::App& app, Fallback& fallback) {
  const auto parse = [&fallback](const std::string& text) {
    for (const Fallback known : {Fallback::none, Fallback::fixed, Fallback::last_good}) {
      if (text == dashed(to_text(known))) return void(fallback = known);
    }
    throw CLI::ValidationError("--fallback", "'" + text + "' is not a fallback; write none, fixed or last-good");
  };
  app.add_option_function<std::string>("--fallback", parse, "Answer to a call that failed: none, fixed or last-good")
      ->type_name("KIND")
      ->default_str(dashed(to_text(fallback)));
}

}  // namespace

void add_call_policy_options(CLI::App& app, CallPolicy& policy) {
  add_settings(app, policy, call_settings());
  add_fallback(app, policy.fallback);
  app.add_option("--fallback-answer", policy.fallback_answer, "The answer of --fallback fixed: JSON, at most 4 KiB")
      ->type_name("JSON");
}

}  // namespace cb
