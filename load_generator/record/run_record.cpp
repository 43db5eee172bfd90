#include "load_generator/record/run_record.hpp"

#include <algorithm>

namespace load {

std::string_view to_text(CallStatus status) {
  constexpr std::array<std::string_view, 5> names{"success", "failure", "exception", "blocked", "unreachable"};
  return names.at(static_cast<size_t>(status));
}

std::string_view to_text(State state) {
  constexpr std::array<std::string_view, 4> names{"closed", "open", "half_open", "unknown"};
  return names.at(static_cast<size_t>(state));
}

std::optional<CallStatus> call_status_from(std::string_view text) {
  for (const CallStatus status : all_call_statuses) {
    if (to_text(status) == text) return status;
  }
  return std::nullopt;
}

State state_from(std::string_view text) {
  for (const State state : all_states) {
    if (to_text(state) == text) return state;
  }
  return State::unknown;
}

char letter(State state) { return "COH?"[static_cast<size_t>(state)]; }

uint64_t usual_upstream_calls(CallStatus status) {
  const bool made = status != CallStatus::blocked && status != CallStatus::unreachable;
  return made ? 1 : 0;
}

std::string instance_name(size_t index) {
  constexpr size_t letters = 26;
  return "Instance-" + (index < letters ? std::string(1, static_cast<char>('A' + index)) : std::to_string(index + 1));
}

std::string unique_name(const std::vector<Target>& targets, size_t target, const std::string& name) {
  const Target& owner = targets.at(target);
  std::string unique = name;
  const auto is_taken_by = [&](const Target& other) { return &other != &owner && other.name == unique; };
  while (std::any_of(targets.begin(), targets.end(), is_taken_by)) unique += " (" + owner.url + ")";
  return unique;
}

double to_ms(Offset offset) { return std::chrono::duration<double, std::milli>(offset).count(); }

}  // namespace load
