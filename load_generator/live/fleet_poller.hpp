// A FleetPoller observes a fleet and sends it no load: every 100 ms it requests each instance's status and the
// upstream's fault and ledger, at most one request of a kind at a time. It keeps a RecentHistory and hands out
// snapshots of it. Thread-safe: every method. It polls on its own thread, which ends with this object, within
// milliseconds.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "load_generator/api/http_loop.hpp"
#include "load_generator/live/recent_history.hpp"
#include "program/wake_fd.hpp"

namespace load {

class FleetPoller {
 public:
  enum class Statuses { polled, reported };  // reported: by the caller, who requests them already
  // `changed` is called after each new state, transition, override or fault, on the poller's thread or on that of
  // report_status(). It must not call the poller.
  FleetPoller(WatchedFleet fleet, Statuses statuses, std::function<void()> changed);
  ~FleetPoller();
  FleetPoller(const FleetPoller&) = delete;
  FleetPoller& operator=(const FleetPoller&) = delete;

  // What a reader has seen; a default one has seen nothing. With another edition a reader must forget what it has: the
  // instances, or their names, are others.
  struct Cursor {
    uint64_t edition = 0;
    uint64_t revision = 0;
    Offset until{0};
  };
  struct Update {
    FleetSnapshot snapshot;
    Offset from;  // what happened since is new to the reader
    Cursor cursor;
  };
  Update update_since(const Cursor& cursor) const;
  FleetSnapshot snapshot() const;

  // No status: the instance gave no valid answer.
  void report_status(size_t target, const std::optional<InstanceStatus>& status);

  const WatchedFleet& fleet() const { return fleet_; }
  // The name by which the upstream knows the instance with this unique name; nothing if no such instance has answered.
  std::optional<std::string> caller_name(const std::string& instance) const;
  std::vector<Target> answering_targets() const;

 private:
  using Clock = HttpLoop::Clock;

  void run(const std::stop_token& stop);
  void poll();
  void request(size_t kind, const std::string& url, HttpLoop::Done record);
  Offset now() const { return std::chrono::duration_cast<Offset>(Clock::now() - start_); }

  const WatchedFleet fleet_;
  const Statuses statuses_;
  const std::function<void()> changed_;
  const Clock::time_point start_ = Clock::now();
  mutable std::mutex mutex_;
  RecentHistory history_;  // guarded by mutex_
  program::WakeFd wake_fd_;
  HttpLoop loop_;                // used by the thread only, as is the next
  std::vector<bool> under_way_;  // by kind: a target's status, the fault, the ledger
  std::jthread thread_;          // last: it uses the rest
};

}  // namespace load
