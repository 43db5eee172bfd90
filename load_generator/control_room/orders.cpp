#include "load_generator/control_room/orders.hpp"

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "load_generator/strict_json.hpp"

namespace load {
namespace {

constexpr size_t longest_plan = 1000;
constexpr size_t longest_name = 400;

using Order = std::function<std::string(ControlRoom&, StrictObject&)>;

// Each reads its fields before it does anything; done() comes before too.
std::string fault(ControlRoom& room, StrictObject& order) {
  const std::string plan = order.text("plan", longest_plan);
  order.done();
  return room.set_fault(plan);
}

std::string network(ControlRoom& room, StrictObject& order) {
  const std::string instance = order.text("instance", longest_name);
  const bool broken = order.boolean("broken");
  order.done();
  return room.set_network(instance, broken ? ControlRoom::Network::broken : ControlRoom::Network::mended);
}

std::string manual_override(ControlRoom& room, StrictObject& order) {
  const std::string mode = order.one_of("mode", {"forced_open", "forced_closed", "auto"});
  order.done();
  return room.set_override(mode);
}

std::string rate(ControlRoom& room, StrictObject& order) {
  const double rate = order.number("rate", {0, LoadSender::highest_rate});
  order.done();
  return room.set_rate(rate);
}

std::string scenario(ControlRoom& room, StrictObject& order) {
  const std::string name = order.text("name", longest_name);
  const std::string variant = order.text("variant", longest_name);
  order.done();
  return room.start_scenario(name, variant);
}

std::string scenario_stop(ControlRoom& room, StrictObject& order) {
  order.done();
  return room.stop_scenario();
}

const std::map<std::string, Order>& orders() {
  static const std::map<std::string, Order> all{
      {"fault", fault}, {"network", network},   {"override", manual_override},
      {"rate", rate},   {"scenario", scenario}, {"scenario/stop", scenario_stop}};
  return all;
}

}  // namespace

std::string obey(ControlRoom& room, const std::string& what, const std::string& body) {
  const auto order = orders().find(what);
  if (order == orders().end()) throw Refused(404, "there is no such control");
  const auto json = nlohmann::ordered_json::parse(body, nullptr, false);
  if (json.is_discarded()) throw std::invalid_argument("the body is no JSON");
  StrictObject object(json, "the order");
  return order->second(room, object);
}

}  // namespace load
