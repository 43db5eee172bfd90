// A RunObserver follows a run while it goes on: the lines on the terminal, the page, a chaos run's killer.
// Called on the thread that runs the load, between its events, so a method must return at once: what it takes delays
// the calls that fall due meanwhile. What a method throws ends the run and reaches the caller of run_load().
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "load_generator/api/instance_api.hpp"
#include "load_generator/record/run_record.hpp"

namespace load {

// The calls that were sent during one second, and the answers that arrived in it.
struct SecondSummary {
  int number = 0;  // from 1
  int sent = 0;
  int ok = 0;
  int failed = 0;  // failure or exception
  int blocked = 0;
  int unreachable = 0;
  std::vector<State> states;  // by target, at its end
};

class RunObserver {
 public:
  RunObserver() = default;
  virtual ~RunObserver() = default;
  RunObserver(const RunObserver&) = delete;
  RunObserver& operator=(const RunObserver&) = delete;

  // The instances are there; `upstream` is a URL.
  virtual void fleet_is_up(const std::vector<Target>& /*targets*/, const std::string& /*upstream*/) {}
  virtual void load_starts() {}         // just before the first call; what it does is part of the run
  virtual void tick(Offset /*now*/) {}  // about ten times a second
  virtual void second_ended(const SecondSummary& /*second*/) {}
  virtual void call_ended(const Call& /*call*/) {}                       // its answer is in
  virtual void transition_reported(const Transition& /*transition*/) {}  // once each, up to a poll's interval later
  // An answer to GET /status; nothing: none came in time, or it makes no sense.
  virtual void status_polled(size_t /*target*/, const std::optional<InstanceStatus>& /*status*/, Offset /*now*/) {}
  virtual void fault_applied(Offset /*at*/, const std::string& /*what*/) {}  // "redis: killed"
  virtual void load_ended() {}  // the last answer is here; a scenario's programs end soon
};

// Passes everything on, in the order of the list.
class RunObservers final : public RunObserver {
 public:
  explicit RunObservers(std::vector<RunObserver*> observers) : observers_(std::move(observers)) {}

  void fleet_is_up(const std::vector<Target>& targets, const std::string& upstream) override {
    for (RunObserver* each : observers_) each->fleet_is_up(targets, upstream);
  }
  void load_starts() override {
    for (RunObserver* each : observers_) each->load_starts();
  }
  void tick(Offset now) override {
    for (RunObserver* each : observers_) each->tick(now);
  }
  void second_ended(const SecondSummary& second) override {
    for (RunObserver* each : observers_) each->second_ended(second);
  }
  void call_ended(const Call& call) override {
    for (RunObserver* each : observers_) each->call_ended(call);
  }
  void transition_reported(const Transition& transition) override {
    for (RunObserver* each : observers_) each->transition_reported(transition);
  }
  void status_polled(size_t target, const std::optional<InstanceStatus>& status, Offset now) override {
    for (RunObserver* each : observers_) each->status_polled(target, status, now);
  }
  void fault_applied(Offset at, const std::string& what) override {
    for (RunObserver* each : observers_) each->fault_applied(at, what);
  }
  void load_ended() override {
    for (RunObserver* each : observers_) each->load_ended();
  }

 private:
  const std::vector<RunObserver*> observers_;
};

}  // namespace load
