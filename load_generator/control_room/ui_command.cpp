#include "load_generator/control_room/ui_command.hpp"

#include <iostream>

#include "load_generator/control_room/control_room_session.hpp"
#include "load_generator/fleet/fleet.hpp"

namespace load {
namespace {

WatchedFleet running_fleet(const UiOptions& options) {
  WatchedFleet fleet{{}, options.upstream};
  for (const std::string& url : options.targets) fleet.targets.push_back({"", url});
  return fleet;
}

// On free ports, with breaks short enough for a person to wait for.
void start(std::optional<Fleet>& fleet, const UiOptions& options) {
  Scenario scenario;
  scenario.file = "the page's own instances";
  scenario.instances = options.instances;
  Variant variant;
  variant.name = options.stage;
  variant.stage = options.stage == "redis" ? Stage::redis : Stage::distributed;
  variant.breaker = {{"recovery_timeout", "5s"}};
  fleet.emplace(scenario, variant);
}

class PageBesideRun final : public RunObserver {
 public:
  explicit PageBesideRun(const RunOptions& options) : port_(*options.ui_port) { load_.rate = options.load.rate; }

  void fleet_is_up(const std::vector<Target>& targets, const std::string& upstream) override {
    room_.emplace(port_);
    room_->open({targets, upstream});
    room_->room().show_load_by_hand(load_);
  }

  void second_ended(const SecondSummary& second) override {
    load_.sent += static_cast<uint64_t>(second.sent);
    room_->room().show_load_by_hand(load_);
  }

  void stay_until(const program::StopSignal& stop) {
    room_->room().show_load_by_hand(std::nullopt);
    std::cout << "\nthe run is over; the page stays: " << room_->url() << " (Ctrl-C ends it)\n" << std::flush;
    room_->stay_until(stop);
  }

  int leave(int exit_code) {
    if (!room_) return exit_code;  // the run was stopped before it had a fleet
    room_->close();
    return room_->leave(exit_code);
  }

 private:
  const int port_;
  ControlRoom::LoadByHand load_;
  std::optional<ControlRoomSession> room_;
};

}  // namespace

int ui_command(const UiOptions& options, const program::StopSignal& stop) {
  ControlRoomSession room(options.port);
  std::optional<Fleet> fleet;
  if (!options.stage.empty()) start(fleet, options);
  room.open(fleet ? WatchedFleet{fleet->targets(), fleet->upstream()} : running_fleet(options),
            fleet ? &*fleet : nullptr);
  room.room().set_rate(options.rate);
  room.stay_until(stop);
  room.close();
  fleet.reset();  // while the pages' last requests end
  return room.leave(0);
}

int run_with_page_command(const RunOptions& options, const program::StopSignal& stop) {
  PageBesideRun page(options);
  const int exit_code = run_command(options, stop, page);
  if (exit_code == 0) page.stay_until(stop);
  return page.leave(exit_code);
}

}  // namespace load
