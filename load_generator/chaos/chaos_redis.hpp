// A ChaosRedis does to its fleet's Redis what a chaos plan says, whether Sentinels watch it or not.
// Not thread-safe. Errors: std::runtime_error where something cannot be done; the next harm can.
#pragma once

#include <chrono>
#include <string>

#include "load_generator/chaos/chaos_plan.hpp"
#include "load_generator/fleet/fleet.hpp"

namespace load {

class ChaosRedis {
 public:
  explicit ChaosRedis(Fleet& fleet) : fleet_(fleet) {}

  // What there is to add to the harm's name, for people. follow_master comes true later, see below.
  std::string inflict(Harm harm);

  // True where the old master has just been made a replica, which was wanted, and waits for the Sentinels to name
  // another. Call it often; it asks them rarely.
  bool look_for_another_master();

  // Throws where it is still wanted, or where a server has ended although nobody killed it.
  void require_well();

 private:
  std::string inflict_unwatched(Harm harm);
  std::string inflict_watched(Harm harm);

  Fleet& fleet_;
  int old_master_ = 0;  // of the failover under way
  bool follow_wanted_ = false;
  std::chrono::steady_clock::time_point asked_;
};

}  // namespace load
