// One instance's lane in characters: a column for each step of time, and a row of marks below it. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace load {

// The steps are whole ones since the start, so that what was drawn only moves to the left.
struct LaneSpan {
  size_t columns = 0;
  double step_ms = 1000;
  double now_ms = 0;
};

// C O H ?, and c o h while the instance goes by a breaker of its own; a blank before it was seen. A short stay shows:
// what comes first of H, ?, O and C stands for the whole step.
std::string lane_of_states(const nlohmann::ordered_json& states, const LaneSpan& span);

// ^ late result, ! wasted, o probe, x failure: what comes first of these. `marks` may be those of all instances.
std::string lane_of_marks(const nlohmann::ordered_json& marks, const std::string& instance, const LaneSpan& span);

}  // namespace load
