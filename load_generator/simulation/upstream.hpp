// The upstream of a simulation: the fault plan and the dice of unreliable_service, and its ledger.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "load_generator/simulation/event_loop.hpp"
#include "load_generator/simulation/network.hpp"
#include "unreliable_service/fault_plan.hpp"

namespace simulation {

class Upstream {
 public:
  Upstream(const std::string& plan, uint64_t seed, TimePoint start, size_t callers)
      : plan_(plan), dice_(seed), start_(start), ledger_(callers) {}

  struct Received {
    uint64_t success = 0, failure = 0, hang = 0, drop = 0;
    uint64_t total() const { return success + failure + hang + drop; }
  };

  // A request arrives. An answer comes after `latency`; none to one that hangs.
  struct Response {
    unreliable::Fate fate = unreliable::Fate::success;
    milliseconds latency{0};
  };
  Response receive(Node caller, TimePoint now) {
    const unreliable::Fault& fault = fault_at(now);
    const unreliable::Fate fate = dice_.roll(fault);
    Received& received = ledger_[caller];
    if (fate == unreliable::Fate::success) ++received.success;
    if (fate == unreliable::Fate::failure) ++received.failure;
    if (fate == unreliable::Fate::hang) ++received.hang;
    if (fate == unreliable::Fate::drop) ++received.drop;
    return {fate, fault.latency};
  }

  const unreliable::Fault& fault_at(TimePoint now) const {
    return plan_.fault_at(std::chrono::duration_cast<milliseconds>(now - start_));
  }

  // Another plan, from now on.
  void change(const std::string& plan, TimePoint now) {
    plan_ = unreliable::FaultPlan(plan);
    start_ = now;
  }

  const std::vector<Received>& ledger() const { return ledger_; }  // by caller

 private:
  unreliable::FaultPlan plan_;
  unreliable::Dice dice_;
  TimePoint start_;
  std::vector<Received> ledger_;
};

}  // namespace simulation
