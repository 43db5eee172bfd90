// For tests: a breaker whose state the test sets. It counts health reports and how often its state is read.
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
  std::optional<Rejection> early_rejection(std::chrono::milliseconds) override { return std::nullopt; }
  void report_health(Health health) override {
    if (health == Health::up) open = false;
    ++health_reports;
  }
  State known_state() const override {
    const State state = open ? State::open : State::closed;
    on_read();
    ++reads;
    return state;
  }
  bool is_evictable(std::chrono::milliseconds) const override {
    ++reads;
    return false;
  }

  std::atomic<bool> open{false};
  std::atomic<int> health_reports{0};
  mutable std::atomic<int> reads{0};
  std::function<void()> on_read = [] {};

 private:
  Settled settle(const PermitId&, TimePoint, Outcome) override { return {}; }
};

}  // namespace cb
