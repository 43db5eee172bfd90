// An OpenRoom is a control room with its server: made in two steps, so that a taken port is known before anything else
// is started. Not thread-safe; main thread only.
#pragma once

#include <optional>
#include <string>

#include "load_generator/control_room/control_room.hpp"
#include "load_generator/control_room/http_api.hpp"
#include "program/stop_signal.hpp"

namespace load {

class OpenRoom {
 public:
  explicit OpenRoom(int port) : server_(port) {}  // throws std::runtime_error where it cannot be had; 0: a free one

  void open(const WatchedFleet& live);  // prints where the page is
  ControlRoom& room() { return *room_; }
  const std::string& url() const { return server_.url(); }

  // Plays what pages order.
  void stay_until(const program::StopSignal& stop) { room_->play_scenarios_until(stop); }

  void close() { server_.close(); }  // all pages go
  // After close(): returns `exit_code`, or ends the process with it where a request is still running 800 ms later.
  int leave(int exit_code);

 private:
  std::optional<ControlRoom> room_;
  RoomServer server_;  // after what it serves
};

}  // namespace load
