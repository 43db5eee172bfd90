#include "load_generator/control_room/control_requests.hpp"

#include <map>
#include <optional>
#include <stdexcept>

#include "load_generator/api/instance_api.hpp"
#include "load_generator/scenario/strict_json.hpp"

namespace load {
namespace {

constexpr size_t longest_plan = 1000;
constexpr size_t longest_word = 400;

using json = nlohmann::ordered_json;
using Apply = json (*)(ControlRoom&, StrictObject&);

// Each reads all fields, and checks with done() that there are no others, before it changes anything.
json fault(ControlRoom& room, StrictObject& request) {
  const std::string plan = request.text("plan", longest_plan);
  request.done();
  return {{"done", room.set_fault(plan)}};
}

json network(ControlRoom& room, StrictObject& request) {
  const std::string instance = request.text("instance", longest_word);
  const bool broken = request.boolean("broken");
  request.done();
  return {{"done", room.set_network(instance, broken ? ControlRoom::Network::broken : ControlRoom::Network::mended)}};
}

json manual_override(ControlRoom& room, StrictObject& request) {
  const std::string mode = request.one_of("mode", {"forced_open", "forced_closed", "auto"});
  std::optional<std::string> instance;
  if (request.has("instance")) instance = request.text("instance", longest_word);
  request.done();
  return {{"done", room.set_override(mode, instance)}};
}

json instance_process(ControlRoom& room, StrictObject& request) {
  const std::string instance = request.text("instance", longest_word);
  const std::string action = request.one_of("do", {"kill", "start", "freeze", "resume"});
  request.done();
  return {{"done", room.change_process({instance, ProcessControl::action_named(action)})}};
}

json redis_process(ControlRoom& room, StrictObject& request) {
  const std::string action = request.one_of("do", {"kill", "start", "freeze", "resume", "flush"});
  request.done();
  return {{"done", room.change_process({std::nullopt, ProcessControl::action_named(action)})}};
}

json rate(ControlRoom& room, StrictObject& request) {
  const double rate = request.number("rate", {0, LoadSender::highest_rate});
  request.done();
  return {{"done", room.set_rate(rate)}};
}

json scenario(ControlRoom& room, StrictObject& request) {
  const std::string name = request.text("name", longest_word);
  const std::string variant = request.text("variant", longest_word);
  request.done();
  const ControlRoom::Started started = room.start_scenario(name, variant);
  return {{"done", started.done}, {"number", started.number}};
}

json scenario_stop(ControlRoom& room, StrictObject& request) {
  request.done();
  return {{"done", room.stop_scenario()}};
}

json race(ControlRoom& room, StrictObject& request) {
  const ControlRoom::Started started = room.start_race(read_race_givens(request, World::real));
  return {{"done", started.done}, {"number", started.number}};
}

json race_stop(ControlRoom& room, StrictObject& request) {
  request.done();
  return {{"done", room.stop_race()}};
}

// What is not a number stays a text, for the complaint.
json value_of(const std::string& text) {
  json value = json::parse(text, nullptr, false);
  return value.is_number() ? value : json(text);
}

json fields_of(const httplib::Params& query) {
  json fields = json::object();
  for (const auto& [name, value] : query) {
    if (fields.contains(name)) throw std::invalid_argument("the request: " + printable(name, 64) + " is there twice");
    fields[name] = value_of(value);
  }
  return fields;
}

}  // namespace

json apply_control_request(ControlRoom& room, const std::string& control, const std::string& body) {
  static const std::map<std::string, Apply> controls{{"fault", fault},
                                                     {"network", network},
                                                     {"override", manual_override},
                                                     {"instance", instance_process},
                                                     {"redis", redis_process},
                                                     {"rate", rate},
                                                     {"scenario", scenario},
                                                     {"scenario/stop", scenario_stop},
                                                     {"race", race},
                                                     {"race/stop", race_stop}};
  const auto apply = controls.find(control);
  if (apply == controls.end()) throw RequestError(404, "there is no such control");
  const auto parsed = json::parse(body, nullptr, false);
  if (parsed.is_discarded()) throw std::invalid_argument("the body is not JSON");
  StrictObject request(parsed, "the request");
  return apply->second(room, request);
}

std::string race_news_request(const httplib::Params& query) {
  const json fields = fields_of(query);
  StrictObject request(fields, "the request");
  std::string from = request.has("from") ? request.any_text("from", longest_word) : "";
  request.done();
  return from;
}

RaceGivens simulated_race_request(const httplib::Params& query) {
  const json fields = fields_of(query);
  StrictObject request(fields, "the request");
  return read_race_givens(request, World::simulated);
}

}  // namespace load
