// For tests: a breaker that is open or not as a test says, never goes of its own accord, and counts who looks at it.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "simple_breaker/breaker.hpp"

namespace cb {

class FakeBreaker final : public Breaker {
 public:
  Admission acquire() override { return Rejection{}; }
  Status status() override { return {}; }
  std::string impose(const Override&, std::chrono::milliseconds) override { return ""; }
  void hear(Health health) override {
    if (health == Health::well) open = false;
    ++heard;
  }
  State known_state() const override {
    const State state = open ? State::open : State::closed;
    on_look();
    ++looks;
    return state;
  }
  bool is_forgettable() const override {
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
