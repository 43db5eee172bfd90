#include "load_generator/control_room/control_requests.hpp"

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "load_generator/scenario/strict_json.hpp"

namespace load {
namespace {

constexpr size_t longest_plan = 1000;
constexpr size_t longest_word = 400;

using json = nlohmann::ordered_json;
using Order = std::function<json(ControlRoom&, StrictObject&)>;

// Each reads its fields before it does anything; done() comes before too.
json fault(ControlRoom& room, StrictObject& order) {
  const std::string plan = order.text("plan", longest_plan);
  order.done();
  return {{"done", room.set_fault(plan)}};
}

json network(ControlRoom& room, StrictObject& order) {
  const std::string instance = order.text("instance", longest_word);
  const bool broken = order.boolean("broken");
  order.done();
  return {{"done", room.set_network(instance, broken ? ControlRoom::Network::broken : ControlRoom::Network::mended)}};
}

json manual_override(ControlRoom& room, StrictObject& order) {
  const std::string mode = order.one_of("mode", {"forced_open", "forced_closed", "auto"});
  order.done();
  return {{"done", room.set_override(mode)}};
}

json rate(ControlRoom& room, StrictObject& order) {
  const double rate = order.number("rate", {0, LoadSender::highest_rate});
  order.done();
  return {{"done", room.set_rate(rate)}};
}

json scenario(ControlRoom& room, StrictObject& order) {
  const std::string name = order.text("name", longest_word);
  const std::string variant = order.text("variant", longest_word);
  order.done();
  const ControlRoom::Started started = room.start_scenario(name, variant);
  return {{"done", started.done}, {"number", started.number}};
}

json scenario_stop(ControlRoom& room, StrictObject& order) {
  order.done();
  return {{"done", room.stop_scenario()}};
}

const std::map<std::string, Order>& orders() {
  static const std::map<std::string, Order> all{
      {"fault", fault}, {"network", network},   {"override", manual_override},
      {"rate", rate},   {"scenario", scenario}, {"scenario/stop", scenario_stop}};
  return all;
}

}  // namespace

json obey(ControlRoom& room, const std::string& what, const std::string& body) {
  const auto order = orders().find(what);
  if (order == orders().end()) throw Refused(404, "there is no such control");
  const auto parsed = json::parse(body, nullptr, false);
  if (parsed.is_discarded()) throw std::invalid_argument("the body is no JSON");
  StrictObject object(parsed, "the order");
  return order->second(room, object);
}

}  // namespace load
