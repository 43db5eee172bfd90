// The load engine. Open loop: a call goes out when it is due, whether or not earlier ones have been answered, and its
// latency counts from that due time; so a stall of the instances, or of this program, shows up instead of hiding.
// (A caller that waits for each answer sends nothing while the system stalls, and reports that all was well.)
// The same loop, on one thread, asks every instance for its status, so states and calls share one time line.
// Source: Gil Tene, "How NOT to measure latency" (coordinated omission).
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "load_generator/api/instance_api.hpp"
#include "load_generator/load/schedule.hpp"
#include "load_generator/record/run_record.hpp"
#include "program/stop_signal.hpp"

namespace load {

// What happened since the last report: `sent` went out in that time, the others came back in it.
struct Second {
  int number = 0;
  int sent = 0;
  int ok = 0;
  int failed = 0;  // failure or exception
  int blocked = 0;
  int unreachable = 0;
  std::vector<State> states;  // by target, at its end
};

// Something to do at a certain time of the load.
struct Appointment {
  Offset at{0};
  std::function<void()> keep;
};

// Called on the engine's thread, between its events. Empty ones are not called.
struct Observers {
  std::function<void()> start;  // just before the first call
  std::function<void(const Second&)> second;
  std::function<void(Offset now)> tick;  // about ten times a second
  std::function<void(size_t target, const InstanceStatus&, Offset now)> status;
  std::function<void(size_t target)> no_status;  // its answer makes no sense, or did not come in time
  std::vector<Appointment> appointments;         // in order of time; they take no longer than the gap between two calls
};

struct EngineSettings {
  LoadSettings load;
  std::chrono::milliseconds request_timeout{10'000};
  Offset poll_every = std::chrono::milliseconds(100);
  std::optional<Offset> poll_closely_from;  // from then on every 10 ms
};

// Asks all for their names, at once; one that does not answer keeps its URL as name, and one whose name another has
// bears its URL beside it. A stop signal ends the asking. Throws std::runtime_error where none answers.
std::vector<Target> find_targets(const std::vector<std::string>& urls, const program::StopSignal& stop);

// Sends the load and waits for every answer; a stop signal ends it at once. Transitions from before
// observers.start are not part of the run.
Run run_load(const std::vector<Target>& targets, const EngineSettings& settings, const program::StopSignal& stop,
             const Observers& observers);

}  // namespace load
