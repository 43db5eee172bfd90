// A ControlRoomSession is a control room with its HTTP API, opened in two steps, so that a taken port is found before
// anything else is started. Not thread-safe: main thread only.
#pragma once

#include <optional>
#include <string>

#include "load_generator/control_room/control_room.hpp"
#include "load_generator/control_room/http_api.hpp"
#include "program/stop_signal.hpp"

namespace load {

class ControlRoomSession {
 public:
  explicit ControlRoomSession(int port) : api_(port) {}  // throws std::runtime_error if it is taken; 0: a free one

  // Prints the page's URL. `own`: see ControlRoom.
  void open(const WatchedFleet& live, Fleet* own = nullptr);
  ControlRoom& room() { return *room_; }
  const std::string& url() const { return api_.url(); }

  // Plays the scenarios that pages request.
  void stay_until(const program::StopSignal& stop) { room_->play_scenarios_until(stop); }

  void close() { api_.close(); }  // disconnects all pages
  // After close(): returns `exit_code`, or ends the process with it if a request still runs 800 ms later.
  int leave(int exit_code);

 private:
  std::optional<ControlRoom> room_;
  HttpApi api_;  // after the room that it serves
};

}  // namespace load
