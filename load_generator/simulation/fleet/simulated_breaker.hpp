// A SimulatedBreaker is the breaker of one simulated instance: like cb::Breaker, but the store's answer takes time, so
// the caller waits for it with `co_await`.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "load_generator/simulation/event_loop.hpp"
#include "load_generator/simulation/network.hpp"
#include "redis_breaker/cached_core.hpp"
#include "simple_breaker/circuit_breaker.hpp"

namespace simulation {

struct Granted {
  cb::PermitId id;
  TimePoint started{};
  std::unique_ptr<cb::Permit> of_memory{};    // by a breaker in the instance's memory
  std::unique_ptr<cb::Permit> of_instance{};  // by the one that only this instance heeds, of a quorum
};
using Admission = std::variant<Granted, cb::Rejection>;

// Follows what breakers report. Called in the midst of an event: it must not call the breaker.
class FleetObserver {
 public:
  virtual ~FleetObserver() = default;
  virtual void noticed(Node instance, cb::NoticeKind kind, const cb::Transition& what) = 0;
  virtual void received(Node /*instance*/, const cb::News& /*news*/) {}  // of the shared breaker

  // A store is asked to replace a record with this version, which makes this of those events, for an instance that
  // knows that much. It may not come to it.
  virtual void writes(uint64_t /*version*/, const cb::LastKnown& /*known*/, const std::vector<cb::Event>& /*events*/,
                      const cb::Answer& /*answer*/) {}
};

class SimulatedBreaker {
 public:
  virtual ~SimulatedBreaker() = default;
  virtual void acquire(Answer<Admission>& answer) = 0;
  virtual void settle(Granted& granted, cb::Outcome outcome, Answer<cb::Settled>& answer) = 0;
  virtual void apply_override(const cb::Override& order, milliseconds lasts) = 0;
  virtual cb::State state() const = 0;  // as GET /status shows it
  virtual bool is_local() const { return false; }
  virtual void stop() {}          // its process is gone
  virtual void status_asked() {}  // GET /status looks into the store
};

// Stage 2: the breaker of stage 1 in each instance.
class MemoryBreaker final : public SimulatedBreaker {
 public:
  MemoryBreaker(const std::shared_ptr<const cb::BreakerConfig>& config, EventLoop& loop)
      : circuit_(config, {"unreliable_service"}), loop_(loop) {}

  void acquire(Answer<Admission>& answer) override { answer.give(answer_of(circuit_.acquire(), loop_.now())); }
  void settle(Granted& granted, cb::Outcome outcome, Answer<cb::Settled>& answer) override {
    answer.give(granted.of_memory->settle(outcome));
  }
  void apply_override(const cb::Override& order, milliseconds lasts) override { circuit_.apply_override(order, lasts); }
  cb::State state() const override { return circuit_.known_state(); }

  static Admission answer_of(cb::Admission&& admission, TimePoint now) {
    if (const auto* rejection = std::get_if<cb::Rejection>(&admission)) return *rejection;
    auto& permit = std::get<cb::Permit>(admission);
    return Granted{permit.id(), now, std::make_unique<cb::Permit>(std::move(permit))};
  }

 private:
  cb::CircuitBreaker circuit_;
  EventLoop& loop_;
};

}  // namespace simulation
