// One instance's lane in characters: a column for each step of time, and a row of marks below it. Pure.
#pragma once

#include <string>
#include <vector>

#include "load_generator/record/timeline.hpp"

namespace load {

// Columns begin at whole steps since the start, so that a lane only moves to the left.
struct LaneSpan {
  size_t columns = 0;
  Offset step = std::chrono::seconds(1);
  Offset now{0};
};

// C O H ?, and c o h while the instance uses its local breaker; blank before its first sample. A short state still
// shows: the first of H, ?, O and C that occurs in a step is drawn for all of it.
std::string lane_of_states(const std::vector<Sample>& states, const LaneSpan& span);

// ^ late result, ! wasted, o probe, x failure: the first of these that occurs. `marks` may include other targets'.
std::string lane_of_marks(const std::vector<Mark>& marks, size_t target, const LaneSpan& span);

char lane_sign(State state, bool local);  // O, or o on the local breaker

}  // namespace load
