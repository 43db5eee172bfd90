#include "distributed_breaker/resilience/call_policy_options.hpp"

#include "simple_breaker/options/setting_options.hpp"

namespace cb {
namespace {

std::string dashed(std::string_view name) { return option_name(name).substr(2); }

void add_fallback(CLI::App& app, Fallback& fallback) {
  const std::vector<Fallback> kinds{Fallback::none, Fallback::fixed, Fallback::last_good};
  std::vector<std::string> names;
  for (const Fallback kind : kinds) names.push_back(dashed(to_text(kind)));
  program::add_choice(app, "--fallback", fallback, names, kinds, "Answer to a call that failed");
}

}  // namespace

void add_call_policy_options(CLI::App& app, CallPolicy& policy) {
  add_settings(app, policy, call_settings());
  add_fallback(app, policy.fallback);
  app.add_option("--fallback-answer", policy.fallback_answer, "The answer of --fallback fixed: JSON, at most 4 KiB")
      ->type_name("JSON");
}

}  // namespace cb
