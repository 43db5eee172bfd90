#include "load_generator/terminal/watch_words.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <set>

#include "load_generator/record/text.hpp"
#include "program/text.hpp"

namespace load {
namespace {

constexpr size_t longest_name = 32;
constexpr size_t longest_sentence = 200;

std::string fault_in_words(const ObservedUpstream& upstream) {
  if (!upstream.answers) return "no answer";
  const UpstreamFault& fault = upstream.fault;
  std::vector<std::string> parts;
  if (fault.failure_rate > 0) parts.push_back(fmt::format("fails {:g} %", fault.failure_rate * 100));
  if (fault.latency_ms > 0) parts.push_back(fmt::format("takes {} ms", fault.latency_ms));
  if (fault.hang_rate > 0) parts.push_back(fmt::format("hangs {:g} %", fault.hang_rate * 100));
  if (fault.drop_rate > 0) parts.push_back(fmt::format("drops {:g} %", fault.drop_rate * 100));
  for (const std::string& caller : fault.dropped_callers) {
    parts.push_back("cut off from " + terminal_text(caller, longest_name));
  }
  return parts.empty() ? "healthy" : joined(parts);
}

std::string agreement_line(const FleetSnapshot& snapshot) {
  const double now_ms = to_ms(snapshot.disagreeing_for.value_or(Offset(0)));
  const std::string present = now_ms > 0 ? fmt::format("disagreeing for {:.1f} s, ", now_ms / 1000) : "disagreed for ";
  return fmt::format("agreement  {}; {}{:.1f} s in all", snapshot.agreement_text(), present,
                     to_ms(snapshot.disagreement) / 1000);
}

std::string calls_line(const FleetSnapshot& snapshot) {
  const CallCounts calls = snapshot.calls();
  return fmt::format("calls      success {}, failure {}, exception {}, blocked {}; wasted {}", calls.success,
                     calls.failure, calls.exception, calls.blocked, snapshot.wasted);
}

std::string upstream_line(const FleetSnapshot& snapshot) {
  const LedgerEntry total = snapshot.received();
  return fmt::format("upstream   received {}: success {}, failure {}, hang {}, drop {}", total.received, total.success,
                     total.failure, total.hang, total.drop);
}

bool any_answers(const FleetSnapshot& snapshot) {
  return std::any_of(snapshot.instances.begin(), snapshot.instances.end(),
                     [](const ObservedInstance& instance) { return instance.answers; });
}

std::string redis_line(const FleetSnapshot& snapshot) {
  if (!any_answers(snapshot)) return "Redis      unknown: no instance answers";
  size_t shared = 0;
  uint64_t oldest_ms = 0;
  std::vector<std::string> on_local_breaker;
  std::string error;
  for (size_t i = 0; i < snapshot.instances.size(); ++i) {
    if (!snapshot.instances[i].answers) continue;  // its last answer may no longer hold
    const InstanceStatus& status = snapshot.instances[i].status;
    if (status.store == "redis") ++shared;
    if (status.store == "local") on_local_breaker.push_back(terminal_text(snapshot.targets[i].name, longest_name));
    if (error.empty()) error = terminal_text(status.store_error, longest_sentence);
    oldest_ms = std::max(oldest_ms, status.view_age_ms.value_or(0));
  }
  if (!on_local_breaker.empty())
    return fmt::format("Redis      away for {}{}", joined(on_local_breaker), error.empty() ? "" : ": " + error);
  if (shared == 0) return "Redis      none: each instance has its own breaker";
  return fmt::format("Redis      shared by {}; the oldest view of it is {} ms old", shared, oldest_ms);
}

// The last known ones: an instance keeps its breaker's name while it does not answer.
std::set<std::string> breaker_names(const FleetSnapshot& snapshot) {
  std::set<std::string> names;
  for (const ObservedInstance& instance : snapshot.instances) {
    names.insert(terminal_text(instance.status.breaker, longest_name));
  }
  names.erase("");
  return names;
}

std::set<std::string> overrides_in_force(const FleetSnapshot& snapshot) {
  std::set<std::string> modes;
  for (const ObservedInstance& instance : snapshot.instances) {
    if (instance.answers) modes.insert(terminal_text(instance.status.override_mode, longest_name));
  }
  modes.erase("");
  return modes;
}

}  // namespace

std::string terminal_text(const std::string& text, size_t most) {
  std::string result = program::shortened(text, most);
  std::replace_if(
      result.begin(), result.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return result;
}

std::string state_in_words(const ObservedInstance& instance) {
  return instance.state() == State::unknown ? "no answer" : words_for(instance.state());
}

std::string title_line(const FleetSnapshot& snapshot) {
  const size_t count = snapshot.instances.size();
  const std::string breakers = joined(breaker_names(snapshot));
  return fmt::format("{} instance{}{}; upstream {}: {}", count, count == 1 ? "" : "s",
                     breakers.empty() ? "" : " of " + breakers, terminal_text(snapshot.upstream.url, longest_sentence),
                     fault_in_words(snapshot.upstream));
}

std::vector<std::string> figure_lines(const FleetSnapshot& snapshot) {
  std::vector<std::string> lines{agreement_line(snapshot), calls_line(snapshot), upstream_line(snapshot),
                                 redis_line(snapshot)};
  const std::string modes = joined(overrides_in_force(snapshot));
  if (!modes.empty()) lines.push_back("override   " + modes);
  return lines;
}

std::string transition_line(const std::vector<Target>& targets, const Transition& transition) {
  return fmt::format("{:>6.1f} {}: {} -> {}, {}", to_ms(transition.at) / 1000,
                     terminal_text(targets[transition.target].name, longest_name), to_text(transition.from),
                     to_text(transition.to), terminal_text(transition.cause, longest_sentence));
}

}  // namespace load
