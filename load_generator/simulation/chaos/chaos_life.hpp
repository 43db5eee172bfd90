// A ChaosLife is some hours of a simulated fleet: most of them quiet, and now and then an episode of several seconds in
// which calls arrive and harm is done, at once or one thing after the other. After each episode all harm is over, and
// the fleet has to recover. What must hold at any time, a judge checks (chaos_judge.hpp); and this:
//
//   order       no person's override is lost that an instance knew when the store lost it
//   recovered   once all harm is over, everyone is closed, shares, and listens to the leader, within the longest break,
//               lease and poll
//   commands    Redis gets no more commands a second than the calls and the instances' checks explain
//   in time     no call waits for a Redis that its instance knows to be away
//
// The same plan gives the same events. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "load_generator/simulation/fleet/simulated_fleet.hpp"

namespace simulation {

enum class HarmKind {
  upstream_down,
  upstream_flaky,
  upstream_hangs,
  upstream_slow,
  redis_crash,  // it comes back with its data
  redis_loss,   // it comes back without
  redis_pause,
  redis_evicts,  // one key
  redis_evicts_all,
  redis_fails_over,  // the last writes are lost
  redis_splits,      // the same, and the old master lives on
  redis_clock_forward,
  redis_clock_back,
  person_flushes,
  person_deletes_state,
  person_writes_state,  // open
  person_overrides,     // an override until the end of the episode
  instance_crash,
  instance_stall,
  network_cut,  // between an instance and Redis
  network_cut_one_way,
  network_loss  // each message arrives, but late
};
constexpr size_t harm_kinds = 22;
std::string_view to_text(HarmKind kind);

struct Harm {
  HarmKind kind{};
  microseconds at{0};  // since the life began
  microseconds length{0};
  Node instance = 0;
  uint64_t detail = 0;  // a random number for what else there is to choose
};

struct LifePlan {
  uint64_t seed = 0;
  size_t instances = 10;
  load::Stage stage = load::Stage::redis;  // or store, whose records are not evicted, or written by a person
  cb::Policy policy{};
  std::vector<microseconds> episodes{};  // when they begin, in order
  std::vector<Harm> harms{};             // in order
};

// A day, about; everything by chance.
LifePlan plan_life(uint64_t seed, size_t instances, load::Stage stage = load::Stage::redis);

struct Violation {
  std::string what;
  microseconds at{0};  // since the life began
};

struct LifeFigures {
  double hours = 0;
  uint64_t events = 0, calls = 0, scripts = 0, transitions = 0;
  std::array<uint64_t, harm_kinds> harms{};
};

// `trace`: a line for each thing that happens; nothing: none.
std::optional<Violation> live(const LifePlan& plan, LifeFigures& figures, std::ostream* trace);

}  // namespace simulation
