#include "load_generator/terminal/watch_lane.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "load_generator/record/run_record.hpp"

namespace load {
namespace {

using json = nlohmann::ordered_json;

// Puts `sign` into each column from one to the other, where nothing stands yet that comes before it in `precedence`.
void put(std::string& lane, const std::string& precedence, char sign, double from, double to) {
  const auto columns = static_cast<double>(lane.size());
  const auto first = static_cast<size_t>(std::clamp(from, 0.0, columns));
  const auto beyond = static_cast<size_t>(std::clamp(to + 1, 0.0, columns));
  for (size_t i = first; i < beyond; ++i) {
    const size_t rank = precedence.find(lane[i]);
    if (rank == std::string::npos || precedence.find(sign) < rank) lane[i] = sign;
  }
}

double column_at(double at_ms, const LaneSpan& span) {
  const double last = std::floor(span.now_ms / span.step_ms);
  return std::floor(at_ms / span.step_ms) - last + static_cast<double>(span.columns) - 1;
}

char sign_of_state(const json& state) {
  const char sign = letter(state_from(state.value("state", "")));
  const bool local = state.value("store", "") == "local";
  return local ? static_cast<char>(std::tolower(static_cast<unsigned char>(sign))) : sign;
}

char sign_of_mark(const json& mark) {
  if (mark.value("late", false)) return '^';
  if (mark.value("wasted", false)) return '!';
  return mark.value("probe", false) ? 'o' : 'x';
}

}  // namespace

std::string lane_of_states(const json& states, const LaneSpan& span) {
  std::string lane(span.columns, ' ');
  for (size_t i = 0; i < states.size(); ++i) {
    const double from = states[i].value("at_ms_since_start", 0.0);
    const double to = i + 1 < states.size() ? states[i + 1].value("at_ms_since_start", 0.0) : span.now_ms;
    const bool ends_with_its_column = to > from && std::fmod(to, span.step_ms) == 0 && i + 1 < states.size();
    const double last = column_at(to, span) - (ends_with_its_column ? 1 : 0);
    put(lane, "hH?oOcC", sign_of_state(states[i]), column_at(from, span), last);
  }
  return lane;
}

std::string lane_of_marks(const json& marks, const std::string& instance, const LaneSpan& span) {
  std::string lane(span.columns, ' ');
  for (const json& mark : marks) {
    if (mark.value("instance", "") != instance) continue;
    const double column = column_at(mark.value("at_ms_since_start", 0.0), span);
    put(lane, "^!ox", sign_of_mark(mark), column, column);
  }
  return lane;
}

}  // namespace load
