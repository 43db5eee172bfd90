// For tests: a control room with its HTTP API on a free port, and a folder for its runs. It plays the scenarios that
// pages request on a thread that lives as long as this object.
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
  explicit RoomForTest(const WatchedFleet& fleet, std::chrono::milliseconds write_timeout = HttpApi::write_timeout,
                       Fleet* own = nullptr)
      : room(fleet, runs.path(""), own), api_(0, write_timeout) {
    api_.open(room);
    player_ = std::thread([this] { room.play_scenarios_until(stop_); });
  }
  ~RoomForTest() {
    // Not to the process: a thread that is older than stop_ does not block the signal, and would end the process.
    pthread_kill(player_.native_handle(), SIGTERM);  // NOLINT(bugprone-bad-signal-to-kill-thread): blocked there
    player_.join();
  }
  RoomForTest(const RoomForTest&) = delete;
  RoomForTest& operator=(const RoomForTest&) = delete;

  const std::string& url() const { return api_.url(); }
  HttpApi& api() { return api_; }

 private:
  const program::StopSignal stop_;  // before the player's thread, which inherits the blocked signals

 public:
  const ScratchFolder runs;
  ControlRoom room;

 private:
  HttpApi api_;
  std::thread player_;
};

}  // namespace load
