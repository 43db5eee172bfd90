#include "load_generator/terminal/watch_words.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "load_generator/record/run_record.hpp"

namespace load {
namespace {

using json = nlohmann::ordered_json;

constexpr size_t longest_name = 32;
constexpr size_t longest_sentence = 200;

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

std::string text_of(const json& object, const char* field, size_t most) {
  return terminal_text(object.value(field, ""), most);
}

int64_t count_of(const json& object, const char* field) { return object.value(field, int64_t{0}); }

double percent_of(const json& fault, const char* field) { return fault.value(field, 0.0) * 100; }

std::string fault_in_words(const json& upstream) {
  if (!upstream.value("answers", false)) return "no answer";
  const json& fault = upstream.at("fault");
  std::vector<std::string> parts;
  if (percent_of(fault, "failure_rate") > 0)
    parts.push_back(fmt::format("fails {:g} %", percent_of(fault, "failure_rate")));
  if (count_of(fault, "latency_ms") > 0) parts.push_back(fmt::format("takes {} ms", count_of(fault, "latency_ms")));
  if (percent_of(fault, "hang_rate") > 0) parts.push_back(fmt::format("hangs {:g} %", percent_of(fault, "hang_rate")));
  if (percent_of(fault, "drop_rate") > 0) parts.push_back(fmt::format("drops {:g} %", percent_of(fault, "drop_rate")));
  for (const json& caller : fault.value("dropped_callers", json::array())) {
    parts.push_back("cut off from " + terminal_text(caller.get<std::string>(), longest_name));
  }
  return parts.empty() ? "healthy" : joined(parts);
}

std::string agreement_line(const json& agreement) {
  const double now = agreement.value("disagreeing_for_ms", 0.0);
  const std::string present = now > 0 ? fmt::format("disagreeing for {:.1f} s, ", now / 1000) : "";
  return fmt::format("agreement  {}; {}{:.1f} s in all", text_of(agreement, "text", longest_sentence),
                     present.empty() ? "disagreed for " : present, agreement.value("disagreement_ms", 0.0) / 1000);
}

std::string calls_line(const json& frame) {
  const json& calls = frame.at("calls");
  return fmt::format("calls      success {}, failure {}, exception {}, blocked {}; wasted {}",
                     count_of(calls, "success"), count_of(calls, "failure"), count_of(calls, "exception"),
                     count_of(calls, "blocked"), count_of(frame, "wasted"));
}

std::string upstream_line(const json& upstream) {
  const json& total = upstream.at("ledger").at("total");
  return fmt::format("upstream   received {}: success {}, failure {}, hang {}, drop {}", count_of(total, "received"),
                     count_of(total, "success"), count_of(total, "failure"), count_of(total, "hang"),
                     count_of(total, "drop"));
}

std::string shared_line(const json& instances) {
  size_t shared = 0;
  int64_t oldest_ms = 0;
  std::vector<std::string> alone, errors;
  for (const json& instance : instances) {
    if (instance.value("store", "") == "redis") ++shared;
    if (instance.value("store", "") == "local") alone.push_back(text_of(instance, "name", longest_name));
    const std::string error = text_of(instance, "store_error", longest_sentence);
    if (!error.empty() && errors.empty()) errors.push_back(error);
    if (instance.contains("view_age_ms") && instance["view_age_ms"].is_number()) {
      oldest_ms = std::max(oldest_ms, instance["view_age_ms"].get<int64_t>());
    }
  }
  if (!alone.empty())
    return fmt::format("Redis      away for {}{}", joined(alone), errors.empty() ? "" : ": " + errors[0]);
  if (shared == 0) return "Redis      none: each instance has a breaker of its own";
  return fmt::format("Redis      shared by {}; the oldest view of it is {} ms old", shared, oldest_ms);
}

std::string override_line(const json& instances) {
  std::set<std::string> modes;
  for (const json& instance : instances) modes.insert(text_of(instance, "override", longest_name));
  modes.erase("");
  return modes.empty() ? "" : "override   " + joined({modes.begin(), modes.end()});
}

}  // namespace

std::string terminal_text(const std::string& text, size_t most) {
  std::string result = text.substr(0, most);
  std::replace_if(
      result.begin(), result.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return result;
}

std::string state_in_words(const json& instance) {
  const State state = instance.value("answers", false) ? state_from(instance.value("state", "")) : State::unknown;
  if (state == State::unknown) return "no answer";
  return state == State::half_open ? "half-open" : std::string(to_text(state));
}

std::string present_letter(const json& instance) {
  const bool answers = instance.value("answers", false);
  const char sign = letter(answers ? state_from(instance.value("state", "")) : State::unknown);
  const bool local = instance.value("store", "") == "local";
  return {local ? static_cast<char>(std::tolower(static_cast<unsigned char>(sign))) : sign};
}

std::string title_line(const json& frame) {
  std::set<std::string> breakers;
  for (const json& instance : frame.at("instances")) breakers.insert(text_of(instance, "breaker", longest_name));
  breakers.erase("");
  const json& upstream = frame.at("upstream");
  const size_t count = frame.at("instances").size();
  return fmt::format("{} instance{}{}{}; upstream {}: {}", count, count == 1 ? "" : "s", breakers.empty() ? "" : " of ",
                     joined({breakers.begin(), breakers.end()}), text_of(upstream, "url", longest_sentence),
                     fault_in_words(upstream));
}

std::vector<std::string> figure_lines(const json& frame) {
  std::vector<std::string> lines{agreement_line(frame.at("agreement")), calls_line(frame),
                                 upstream_line(frame.at("upstream")), shared_line(frame.at("instances"))};
  if (const std::string line = override_line(frame.at("instances")); !line.empty()) lines.push_back(line);
  return lines;
}

std::string transition_line(const json& transition) {
  return fmt::format("{:>6.1f} {}: {} -> {}, {}", transition.value("at_ms_since_start", 0.0) / 1000,
                     text_of(transition, "instance", longest_name), text_of(transition, "from", longest_name),
                     text_of(transition, "to", longest_name), text_of(transition, "cause", longest_sentence));
}

}  // namespace load
