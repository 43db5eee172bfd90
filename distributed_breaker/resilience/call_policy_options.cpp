#include "distributed_breaker/resilience/call_policy_options.hpp"

#include <nlohmann/json.hpp>

#include "program/text.hpp"
#include "simple_breaker/options/setting_options.hpp"

namespace cb {
namespace {

std::string dashed(std::string_view name) { return option_name(name).substr(2); }

// User input may be long and unprintable.
std::string quoted(const std::string& text) {
  constexpr size_t longest_quote = 60;
  return nlohmann::json(program::shortened(text, longest_quote))
      .dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

std::string fault_of_answer(const std::string& answer) {
  return is_json(answer) ? "" : quoted(answer) + " is not valid JSON";
}

void add_fallback(program::CommandLine& app, Fallback& fallback) {
  const std::vector<Fallback> kinds{Fallback::none, Fallback::fixed, Fallback::last_good};
  std::vector<std::string> names;
  for (const Fallback kind : kinds) names.push_back(dashed(to_text(kind)));
  app.add_choice("--fallback", fallback, names, kinds, "Answer to a call that failed");
}

}  // namespace

// nlohmann::json skips such a mark, and takes a zero byte for the end.
bool is_json(const std::string& text) {
  const bool is_strict = !text.starts_with("\xEF\xBB\xBF") && text.find('\0') == std::string::npos;
  return is_strict && nlohmann::json::accept(text);
}

void add_call_policy_options(program::CommandLine& app, CallPolicy& policy) {
  add_settings(app, policy, call_settings());
  add_fallback(app, policy.fallback);
  app.add_option("--fallback-answer", policy.fallback_answer, "The answer of --fallback fixed: JSON, at most 4 KiB")
      .type_name("JSON")
      .check(fault_of_answer);
}

}  // namespace cb
