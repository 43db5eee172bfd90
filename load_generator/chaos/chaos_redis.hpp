// A ChaosRedis injects a chaos plan's faults into its fleet's Redis, with or without Sentinels.
// Not thread-safe. Errors: std::runtime_error if a fault cannot be injected; later ones still can.
#pragma once

#include <chrono>
#include <string>

#include "load_generator/chaos/chaos_plan.hpp"
#include "load_generator/fleet/fleet.hpp"

namespace load {

class ChaosRedis {
 public:
  explicit ChaosRedis(Fleet& fleet) : fleet_(fleet) {}

  // Returns details to print after the fault's name. follow_master takes effect in follow_another_master().
  std::string inject(ChaosFault fault);

  // True if the old master has just become a replica, which has to wait until the Sentinels name another master. Call
  // it often; it queries them rarely.
  bool follow_another_master();

  // Throws if that is still pending, or if a server has ended although no fault killed it.
  void require_healthy();

 private:
  std::string inject_unwatched(ChaosFault fault);
  std::string inject_watched(ChaosFault fault);
  std::string inject_by_console(ChaosFault fault, int port);

  Fleet& fleet_;
  int old_master_ = 0;  // of the failover under way
  int full_ = 0;        // the port of the server whose memory is full
  bool follow_pending_ = false;
  std::chrono::steady_clock::time_point asked_;
};

}  // namespace load
