#include "load_generator/control_room/control_room_session.hpp"

#include <cstdlib>
#include <iostream>

#include "load_generator/fleet/fleet.hpp"

namespace load {
namespace {

constexpr std::chrono::milliseconds grace{800};

}  // namespace

void ControlRoomSession::open(const WatchedFleet& live, Fleet* own) {
  room_.emplace(live, runs_folder(), own);
  api_.open(*room_);
  std::cout << "the control room: " << api_.url() << " (Ctrl-C ends it)\n" << std::flush;
}

int ControlRoomSession::leave(int exit_code) {
  if (!api_.has_ended_within(grace)) std::_Exit(exit_code);
  return exit_code;
}

}  // namespace load
