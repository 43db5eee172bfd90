// A Watcher looks at a fleet that somebody else may be loading: every 100 ms it asks each instance for its status, and
// the upstream for its fault and its ledger. It interferes with nothing. It keeps the last two minutes and sums since
// it began (see LiveWindow), and says what a page is to be told. Thread-safe: every method. It asks from a thread of
// its own, which ends with this object, within milliseconds.
#pragma once

#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "load_generator/api/http_loop.hpp"
#include "load_generator/live/recent_history.hpp"
#include "program/wake_fd.hpp"

namespace load {

class Watcher {
 public:
  enum class Instances { asked, told };
  // `news` is called when a state, a transition or a fault is new, on the watcher's thread or on that of tell(); it
  // must not call back.
  Watcher(WatchedFleet fleet, Instances instances, std::function<void()> news);
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  // Who has seen nothing yet is at the default place. Another edition than before: what was told before is to be
  // forgotten, for these are other instances, or they have got other names.
  struct Place {
    uint64_t edition = 0;
    uint64_t seen = 0;
    Offset until{0};
  };
  struct Frame {
    nlohmann::ordered_json json;
    Place place;
  };
  // All that is new to who is at this place, or everything (see live_frame.hpp).
  Frame frame(const Place& from) const;

  // Nothing: no answer.
  void tell(size_t target, const std::optional<InstanceStatus>& status);

  const WatchedFleet& fleet() const { return fleet_; }
  // Of the instance with this unique name: the name by which the upstream knows it. Nothing where there is none, or
  // where it has never answered.
  std::optional<std::string> caller_name(const std::string& instance) const;
  std::vector<Target> who_answers() const;

 private:
  using Clock = HttpLoop::Clock;

  void run(const std::stop_token& stop);
  void poll();
  void ask_instances();
  void ask(size_t question, const std::string& url, HttpLoop::Done take);
  Offset now() const { return std::chrono::duration_cast<Offset>(Clock::now() - start_); }

  const WatchedFleet fleet_;
  const Instances instances_;
  const std::function<void()> news_;
  const Clock::time_point start_ = Clock::now();
  mutable std::mutex mutex_;
  LiveWindow window_;  // guarded by mutex_
  program::WakeFd wake_fd_;
  HttpLoop loop_;  // of the thread, as what follows
  std::vector<bool> under_way_;
  std::jthread thread_;  // last: it uses the rest
};

}  // namespace load
