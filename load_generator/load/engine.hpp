// The load engine. Open loop: a call leaves when it is due, whether or not earlier ones have been answered, and its
// latency counts from that due time; so a stall of the instances, or of this program, shows up instead of hiding.
// (A caller that waits for each answer sends nothing while the system stalls, and reports that all was well.)
// The same loop, on one thread, polls every instance's status, so states and calls share one timeline.
// Source: Gil Tene, "How NOT to measure latency" (coordinated omission).
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "load_generator/load/run_observer.hpp"
#include "load_generator/load/schedule.hpp"
#include "load_generator/record/run_record.hpp"
#include "program/stop_signal.hpp"

namespace load {

// Runs at a certain time of the load, and may take no longer than the gap between two calls.
struct TimedAction {
  Offset at{0};
  std::function<void()> run;
};

struct EngineSettings {
  LoadSettings load;
  std::chrono::milliseconds request_timeout{10'000};
  Offset poll_every = std::chrono::milliseconds(100);
  std::optional<Offset> poll_closely_from;  // from then on every 10 ms
  std::vector<TimedAction> actions;         // in order of time
};

// Polls all URLs at once for their instances' names. A target that does not answer keeps its URL as name; one whose
// name is taken already has its URL appended. A stop signal ends the polling. Throws std::runtime_error if none
// answers.
std::vector<Target> find_targets(const std::vector<std::string>& urls, const program::StopSignal& stop);

// Sends the load, runs every action and waits for every answer; a stop signal ends it at once. Calls the observer's
// load_starts(), tick(), second_ended() and status_polled(), and call_ended() and transition_reported() for each call
// and transition of the run. Transitions from before load_starts() are not part of it.
Run run_load(const std::vector<Target>& targets, const EngineSettings& settings, const program::StopSignal& stop,
             RunObserver& observer);

}  // namespace load
