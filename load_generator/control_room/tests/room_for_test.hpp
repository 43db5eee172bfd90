// For tests: a control room with its server on a free port, and a folder for its runs. A thread that lives as long as
// this object plays the scenarios that pages request.
#pragma once

#include <csignal>
#include <thread>

#include "load_generator/control_room/control_room.hpp"
#include "load_generator/control_room/http_api.hpp"
#include "load_generator/tests/scratch_file.hpp"
#include "program/stop_signal.hpp"

namespace load {

class RoomForTest {
 public:
  explicit RoomForTest(const WatchedFleet& fleet) : room(fleet, runs.path("")), server_(0) {
    server_.open(room);
    player_ = std::thread([this] { room.play_scenarios_until(stop_); });
  }
  ~RoomForTest() {
    // Not to the whole process: it would kill threads older than stop_.
    pthread_kill(player_.native_handle(), SIGTERM);  // NOLINT(bugprone-bad-signal-to-kill-thread): blocked there
    player_.join();
  }
  RoomForTest(const RoomForTest&) = delete;
  RoomForTest& operator=(const RoomForTest&) = delete;

  const std::string& url() const { return server_.url(); }
  RoomServer& server() { return server_; }

 private:
  const program::StopSignal stop_;  // before the thread that receives it

 public:
  const ScratchFolder runs;
  ControlRoom room;

 private:
  RoomServer server_;
  std::thread player_;
};

}  // namespace load
