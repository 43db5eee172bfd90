#include "load_generator/control_room/control_room.hpp"

#include <algorithm>
#include <utility>

#include "load_generator/live/page_update.hpp"
#include "load_generator/record/text.hpp"

namespace load {
namespace {

using json = nlohmann::ordered_json;

ManualOverride by_page(const std::string& mode) { return {mode, "the control room", "asked for at the page"}; }

std::string quoted(const std::string& name) { return "'" + printable(name, 64) + "'"; }

std::vector<std::string> urls_of(const std::vector<Target>& targets) {
  std::vector<std::string> urls;
  for (const Target& target : targets) urls.push_back(target.url);
  return urls;
}

// Of no fleet of this program's: nothing of an instance, and null for Redis.
void add(json& update, const ProcessControl::States& states) {
  for (size_t i = 0; i < states.instances.size(); ++i) {
    update["instances"][i]["process"] = ProcessControl::word_for(states.instances[i]);
  }
  update["redis"] = nullptr;
  if (states.redis) update["redis"] = {{"process", ProcessControl::word_for(*states.redis)}};
}

// Makes a 502 of the error when an instance or the upstream does not do what `work` requests of it.
template <typename Work>
void forward(Work work) try {
  work();
} catch (const std::runtime_error& error) {
  throw RequestError(502, error.what());
}

}  // namespace

ControlRoom::ControlRoom(const WatchedFleet& live, const std::string& runs_folder, Fleet* own)
    : runs_(runs_folder),
      live_(poll(live, FleetPoller::Statuses::polled)),
      sender_(urls_of(live.targets)),
      view_{"live", live_},
      processes_(own, [this] { changes_.notify(); }),
      player_(runs_folder, hooks()) {}

// The player polls a scenario's instances already. A second poller would change what is measured.
PlaybackHooks ControlRoom::hooks() {
  return {.begins = [this] { sender_.pause(); },
          .fleet_is_up =
              [this](const WatchedFleet& fleet, const std::string& title) {
                show({title, poll(fleet, FleetPoller::Statuses::reported)});
              },
          .status =
              [this](size_t target, const auto& status) {
                if (const View view = this->view(); view.poller != live_) view.poller->report_status(target, status);
              },
          .fleet_ends =
              [this] {
                show({"live", live_});
              },
          .ends = [this] { sender_.go_on(); },
          .changed = [this] { changes_.notify(); }};
}

ControlRoom::Update ControlRoom::update_since(const FleetPoller::Cursor& cursor) const {
  const View view = this->view();
  const FleetPoller::Update update = view.poller->update_since(cursor);
  json all{{"fleet", update.cursor.edition}, {"title", view.title}};
  all.update(page_update(update.snapshot, update.from));
  add(all, view.poller == live_ ? processes_.states() : ProcessControl::States{});
  all["load"] = load_json(view, update.snapshot);
  all["can_control"] = !player_.is_busy();
  all["scenario"] = player_.scenario_json();
  all["race"] = player_.race_json();
  return {std::move(all), update.cursor};
}

std::string ControlRoom::set_fault(const std::string& plan) {
  const std::scoped_lock lock(one_change_at_a_time_);
  require_live();
  forward([&] { put_plan(live_->fleet().upstream, plan); });
  return "the upstream's plan is now: " + plan;
}

std::string ControlRoom::set_network(const std::string& instance, Network network) {
  const std::scoped_lock lock(one_change_at_a_time_);
  require_live();
  const auto caller = live_->caller_name(instance);
  if (!caller) throw RequestError(404, "no instance of the name " + quoted(instance) + " has answered yet");
  const std::vector<std::string> dropped = dropped_with(*caller, network);
  forward([&] { put_dropped_callers(live_->fleet().upstream, dropped); });
  return instance + "'s network to the upstream is " + (network == Network::broken ? "broken" : "mended");
}

// The callers that the upstream drops now, with or without this one.
std::vector<std::string> ControlRoom::dropped_with(const std::string& caller, Network network) const {
  const auto fault = fetch_fault(live_->fleet().upstream);
  if (!fault) throw RequestError(502, "the upstream does not answer");
  std::vector<std::string> dropped = fault->dropped_callers;
  std::erase(dropped, caller);
  if (network == Network::broken) dropped.push_back(caller);
  return dropped;
}

std::string ControlRoom::set_override(const std::string& mode, const std::optional<std::string>& instance) {
  const std::scoped_lock lock(one_change_at_a_time_);
  require_live();
  if (instance) return override_one(mode, *instance);
  const std::vector<Target> targets = answering_targets();
  if (targets.empty()) throw RequestError(502, "no instance answers");
  forward([&] { put_override(targets, by_page(mode)); });
  return "the breaker of " + joined(targets, &Target::name) + " is now: " + mode;
}

std::string ControlRoom::override_one(const std::string& mode, const std::string& instance) {
  const FleetSnapshot snapshot = live_->snapshot();
  const auto target = std::find_if(snapshot.targets.begin(), snapshot.targets.end(),
                                   [&](const Target& each) { return each.name == instance; });
  if (target == snapshot.targets.end()) throw RequestError(404, "there is no instance " + quoted(instance));
  const auto answering = answering_targets();
  if (std::none_of(answering.begin(), answering.end(), [&](const Target& each) { return each.name == instance; })) {
    throw RequestError(502, instance + " does not answer");
  }
  forward([&] { put_override({*target}, by_page(mode)); });
  const auto& status = snapshot.instances[static_cast<size_t>(target - snapshot.targets.begin())].status;
  const std::string breaker = "the breaker of " + instance + " is now: " + mode;
  return status.shared_breaker && !status.local ? breaker + "; all instances share it, so this holds for all" : breaker;
}

std::string ControlRoom::change_process(const ProcessControl::Request& request) {
  const std::scoped_lock lock(one_change_at_a_time_);
  require_live();
  return processes_.request(request);
}

// Without those that are known to be killed or frozen: a request to a frozen one would only time out.
std::vector<Target> ControlRoom::answering_targets() const {
  std::vector<Target> answering = live_->answering_targets();
  const ProcessControl::States states = processes_.states();
  const auto& targets = live_->fleet().targets;
  for (size_t i = 0; i < states.instances.size(); ++i) {
    if (states.instances[i] == ProcessControl::ProcessState::running) continue;
    std::erase_if(answering, [&](const Target& target) { return target.url == targets[i].url; });
  }
  return answering;
}

void ControlRoom::play_scenarios_until(const program::StopSignal& stop) {
  player_.play_requests_until(stop, processes_);
  processes_.close();
}

std::string ControlRoom::set_rate(double rate) {
  const std::scoped_lock lock(one_change_at_a_time_);
  require_live();
  if (load_by_hand()) throw RequestError(409, "a run by hand sends the load, at its own rate");
  sender_.set_rate(rate);
  changes_.notify();
  return rate == 0 ? "no more load is sent" : number_text(rate) + " calls a second are sent";
}

ControlRoom::Started ControlRoom::start_scenario(const std::string& name, const std::string& variant) {
  const std::scoped_lock lock(one_change_at_a_time_);
  if (load_by_hand()) throw RequestError(409, "a run by hand is on; wait for its end");
  const uint64_t number = player_.start_scenario(name, variant);
  return {number, "scenario " + name + ", " + variant + " begins"};
}

std::string ControlRoom::stop_scenario() {
  player_.stop_scenario();
  return "the scenario is being stopped";
}

ControlRoom::Started ControlRoom::start_race(const RaceGivens& givens) {
  const std::scoped_lock lock(one_change_at_a_time_);
  if (load_by_hand()) throw RequestError(409, "a run by hand is on; wait for its end");
  return {player_.start_race(givens), "the race begins"};
}

std::string ControlRoom::stop_race() {
  player_.stop_race();
  return "the race is being stopped";
}

void ControlRoom::show_load_by_hand(const std::optional<LoadByHand>& load) {
  const std::scoped_lock lock(mutex_);
  load_by_hand_ = load;
}

std::shared_ptr<FleetPoller> ControlRoom::poll(const WatchedFleet& fleet, FleetPoller::Statuses statuses) {
  return std::make_shared<FleetPoller>(fleet, statuses, [this] { changes_.notify(); });
}

ControlRoom::View ControlRoom::view() const {
  const std::scoped_lock lock(mutex_);
  return view_;
}

void ControlRoom::show(View view) {
  {
    const std::scoped_lock lock(mutex_);
    std::swap(view_, view);  // the old one is destroyed without the lock: its thread is joined
  }
  changes_.notify();
}

void ControlRoom::require_live() const {
  const std::string playback = player_.busy_with();
  if (playback.empty()) return;
  throw RequestError(409, "a " + playback + " is running, and nothing may change it; stop it first");
}

std::optional<ControlRoom::LoadByHand> ControlRoom::load_by_hand() const {
  const std::scoped_lock lock(mutex_);
  return load_by_hand_;
}

json ControlRoom::load_json(const View& view, const FleetSnapshot& snapshot) const {
  if (view.poller != live_) {
    const CallCounts calls = snapshot.calls();
    const uint64_t sent = calls.success + calls.failure + calls.exception + calls.blocked;
    return {{"rate", player_.rate()}, {"sent", sent}, {"can_change", false}};
  }
  if (const auto load = load_by_hand()) return {{"rate", load->rate}, {"sent", load->sent}, {"can_change", false}};
  return {{"rate", sender_.rate()}, {"sent", sender_.sent()}, {"can_change", !player_.is_busy()}};
}

}  // namespace load
