// For tests: a breaker that is open or not as a test says, never goes of its own accord, and counts who looks at it.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "simple_breaker/policies/managed_breaker.hpp"

namespace cb {

class FakeBreaker final : public ManagedBreaker {
 public:
  Admission acquire() override { return Rejection{}; }
  DetailedStatus detailed_status() override { return {}; }
  std::string apply_override(const Override&, std::chrono::milliseconds) override { return ""; }
  void report_health(Health health) override {
    if (health == Health::up) open = false;
    ++heard;
  }
  State known_state() const override {
    const State state = open ? State::open : State::closed;
    on_look();
    ++looks;
    return state;
  }
  bool is_evictable() const override {
    ++looks;
    return false;
  }

  std::atomic<bool> open{false};
  std::atomic<int> heard{0};
  mutable std::atomic<int> looks{0};
  std::function<void()> on_look = [] {};

 private:
  Settled settle(const PermitId&, TimePoint, Outcome) override { return {}; }
};

}  // namespace cb
