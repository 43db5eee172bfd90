#include "load_generator/report/timeline_json.hpp"

#include <algorithm>

namespace load {
namespace {

using json = nlohmann::ordered_json;

json point_json(const Sample& point, Offset from) {
  json entry{{"at_ms_since_start", to_ms(std::max(point.at, from))}, {"state", to_text(point.state)}};
  if (point.local) entry["store"] = "local";
  return entry;
}

json lane_json(const std::vector<Sample>& lane, Offset from) {
  json points = json::array();
  for (size_t i = 0; i < lane.size(); ++i) {
    const bool was_over = i + 1 < lane.size() && lane[i + 1].at <= from;
    if (!was_over || lane[i].at >= from) points.push_back(point_json(lane[i], from));
  }
  return points;
}

json to_json(const std::vector<Target>& targets, const Transition& transition) {
  return {{"at_ms_since_start", to_ms(transition.at)},
          {"instance", targets.at(transition.target).name},
          {"generation", whole_in_json(transition.generation)},
          {"from", to_text(transition.from)},
          {"to", to_text(transition.to)},
          {"cause", transition.cause}};
}

json to_json(const std::vector<Target>& targets, const Mark& mark) {
  json entry{{"at_ms_since_start", to_ms(mark.at)},
             {"instance", targets.at(mark.target).name},
             {"status", to_text(mark.status)}};
  if (mark.probe) entry["probe"] = true;
  if (mark.late) entry["late"] = true;
  if (mark.wasted) entry["wasted"] = true;
  return entry;
}

json to_json(const std::vector<Target>& targets, const Call& call) {
  json entry{{"at_ms_since_start", to_ms(call.intended + call.sent_late)},
             {"took_ms", to_ms(call.latency - call.sent_late)},
             {"instance", targets.at(call.target).name},
             {"status", to_text(call.status)},
             {"upstream_calls", whole_in_json(call.upstream_calls)}};
  if (call.probe) entry["probe"] = true;
  if (call.late) entry["late"] = true;
  return entry;
}

}  // namespace

uint64_t whole_in_json(uint64_t number) { return std::min(number, uint64_t{1} << 53); }

json states_json(const std::vector<Target>& targets, const std::vector<std::vector<Sample>>& lanes, Offset from) {
  json states = json::object();
  for (size_t i = 0; i < lanes.size(); ++i) states[targets.at(i).name] = lane_json(lanes[i], from);
  return states;
}

json transitions_json(const std::vector<Target>& targets, const std::vector<Transition>& transitions, Offset from) {
  json entries = json::array();
  for (const Transition& transition : transitions) {
    if (transition.at >= from) entries.push_back(to_json(targets, transition));
  }
  return entries;
}

json marks_json(const std::vector<Target>& targets, const std::vector<Mark>& marks, Offset from) {
  json entries = json::array();
  for (const Mark& mark : marks) {
    if (mark.at >= from) entries.push_back(to_json(targets, mark));
  }
  return entries;
}

json calls_json(const std::vector<Target>& targets, const std::vector<Call>& calls) {
  json entries = json::array();
  for (const Call& call : calls) entries.push_back(to_json(targets, call));
  return entries;
}

json traffic_json(const Traffic& traffic) {
  return {{"step_ms", to_ms(traffic.step)},
          {"upstream_calls", traffic.upstream_calls},
          {"upstream_failures", traffic.upstream_failures},
          {"blocked", traffic.blocked}};
}

}  // namespace load
