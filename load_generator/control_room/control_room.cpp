#include "load_generator/control_room/control_room.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <utility>

#include "load_generator/record/text.hpp"
#include "load_generator/scenario/expectation.hpp"

namespace load {
namespace {

using json = nlohmann::ordered_json;

constexpr const char* ourselves = "the control room";

std::vector<std::string> urls_of(const std::vector<Target>& targets) {
  std::vector<std::string> urls;
  for (const Target& target : targets) urls.push_back(target.url);
  return urls;
}

std::string names_of(const std::vector<Target>& targets) {
  std::string text;
  for (const Target& target : targets) text += (text.empty() ? "" : ", ") + target.name;
  return text;
}

uint64_t sum_of(const json& calls) {
  uint64_t sum = 0;
  for (const json& count : calls) sum += count.get<uint64_t>();
  return sum;
}

// What instances and upstream do not do although they were asked to.
template <typename Work>
auto passing_on(Work work) try {
  return work();
} catch (const Refused&) {
  throw;
} catch (const std::runtime_error& error) {
  throw Refused(502, error.what());
}

}  // namespace

ControlRoom::ControlRoom(const WatchedFleet& live, const std::string& runs_folder)
    : runs_(runs_folder),
      live_(watch(live, Watcher::Instances::asked)),
      sender_(urls_of(live.targets)),
      scene_{"live", live_},
      desk_(runs_folder, hooks()) {}

// Whoever plays a scenario asks its instances: that pages look on must not change what is measured.
ScenarioDesk::Hooks ControlRoom::hooks() {
  return {.begins = [this] { sender_.pause(); },
          .fleet_is_up =
              [this](const WatchedFleet& fleet, const std::string& title) {
                show({title, watch(fleet, Watcher::Instances::told)});
              },
          .status =
              [this](size_t target, const auto& status) {
                if (const Scene scene = this->scene(); scene.watcher != live_) scene.watcher->tell(target, status);
              },
          .fleet_ends =
              [this] {
                show({"live", live_});
              },
          .news = [this] { news_.ring(); }};
}

ControlRoom::Frame ControlRoom::frame(const Watcher::Place& from) const {
  const Scene scene = this->scene();
  Watcher::Frame frame = scene.watcher->frame(from);
  json all{{"fleet", frame.place.edition}, {"title", scene.title}};
  all.update(frame.json);
  all["load"] = load_json();
  if (scene.watcher != live_) {
    all["load"] = {{"rate", desk_.rate().value_or(0)}, {"sent", sum_of(all["calls"])}, {"can_change", false}};
  }
  if (desk_.is_busy()) all["load"]["can_change"] = false;
  all["can_control"] = !desk_.is_busy();
  all["scenario"] = desk_.to_json();
  return {all.dump(-1, ' ', false, json::error_handler_t::replace), frame.place};
}

std::string ControlRoom::set_fault(const std::string& plan) {
  const std::scoped_lock lock(one_change_at_a_time_);
  require_live();
  passing_on([&] { put_plan(live_->fleet().upstream, plan); });
  return "the upstream's plan is now: " + plan;
}

std::string ControlRoom::set_network(const std::string& instance, Network network) {
  const std::scoped_lock lock(one_change_at_a_time_);
  require_live();
  const auto caller = live_->caller_name(instance);
  if (!caller) throw Refused(404, "no instance of the name '" + printable(instance, 64) + "' has answered yet");
  passing_on([&] { put_dropped_callers(live_->fleet().upstream, dropped_with(*caller, network)); });
  return instance + "'s network to the upstream is " + (network == Network::broken ? "broken" : "mended");
}

// The callers that the upstream drops by its own word, with or without this one.
std::vector<std::string> ControlRoom::dropped_with(const std::string& caller, Network network) const {
  const auto fault = fetch_fault(live_->fleet().upstream);
  if (!fault) throw Refused(502, "the upstream does not answer");
  std::vector<std::string> dropped = fault->dropped_callers;
  std::erase(dropped, caller);
  if (network == Network::broken) dropped.push_back(caller);
  return dropped;
}

std::string ControlRoom::set_override(const std::string& mode) {
  const std::scoped_lock lock(one_change_at_a_time_);
  require_live();
  const std::vector<Target> targets = live_->who_answers();
  if (targets.empty()) throw Refused(502, "no instance answers");
  passing_on([&] { put_override(targets, {mode, ourselves, "asked for at the page"}); });
  return "the breaker of " + names_of(targets) + " is now: " + mode;
}

std::string ControlRoom::set_rate(double rate) {
  const std::scoped_lock lock(one_change_at_a_time_);
  require_live();
  if (load_json()["can_change"] == false) throw Refused(409, "another load is on, at a rate of its own");
  sender_.set_rate(rate);
  news_.ring();
  return rate == 0 ? "no more load is sent" : number_text(rate) + " calls a second are sent";
}

ControlRoom::Started ControlRoom::start_scenario(const std::string& name, const std::string& variant) {
  const std::scoped_lock lock(one_change_at_a_time_);
  if (load_json()["can_change"] == false) throw Refused(409, "a run by hand is on; wait for its end");
  const uint64_t number = desk_.order(name, variant);
  return {number, "scenario " + name + ", " + variant + " begins"};
}

std::string ControlRoom::stop_scenario() {
  desk_.stop();
  return "the scenario is being stopped";
}

void ControlRoom::say_load(const std::optional<LoadByHand>& load) {
  const std::scoped_lock lock(mutex_);
  load_by_hand_ = load;
}

std::shared_ptr<Watcher> ControlRoom::watch(const WatchedFleet& fleet, Watcher::Instances instances) {
  return std::make_shared<Watcher>(fleet, instances, [this] { news_.ring(); });
}

ControlRoom::Scene ControlRoom::scene() const {
  const std::scoped_lock lock(mutex_);
  return scene_;
}

void ControlRoom::show(Scene scene) {
  if (scene.watcher == live_) sender_.go_on();
  {
    const std::scoped_lock lock(mutex_);
    std::swap(scene_, scene);
  }
  news_.ring();
}

void ControlRoom::require_live() const {
  if (desk_.is_busy()) throw Refused(409, "a scenario is under way, which nobody else may change; stop it first");
}

json ControlRoom::load_json() const {
  const std::scoped_lock lock(mutex_);
  if (load_by_hand_) return {{"rate", load_by_hand_->rate}, {"sent", load_by_hand_->sent}, {"can_change", false}};
  return {{"rate", sender_.rate()}, {"sent", sender_.sent()}, {"can_change", true}};
}

}  // namespace load
