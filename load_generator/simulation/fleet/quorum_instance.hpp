// A QuorumInstance is redis_breaker/quorum_breaker.cpp in virtual time: the shared breaker, which opens only if several
// instances report failures, and one of memory, which opens for this instance only.
#pragma once

#include <memory>

#include "load_generator/simulation/fleet/shared_instance.hpp"

namespace simulation {

class QuorumInstance final : public SimulatedBreaker {
 public:
  // `config`: of the breaker in memory.
  QuorumInstance(std::shared_ptr<SharedInstance> shared, const std::shared_ptr<const cb::BreakerConfig>& config,
                 EventLoop& loop)
      : shared_(std::move(shared)), local_(config, {SharedInstance::breaker}), loop_(loop) {}

  void acquire(Answer<Admission>& answer) override { acquire_both(answer); }
  void settle(Granted& granted, cb::Outcome outcome, Answer<cb::Settled>& answer) override;
  void apply_override(const cb::Override& order, milliseconds lasts) override;
  cb::State state() const override;
  bool is_local() const override { return shared_->is_local(); }
  void stop() override { shared_->stop(); }
  void status_asked() override { shared_->status_asked(); }

 private:
  Task acquire_both(Answer<Admission>& answer);
  Task give_back(Granted granted);
  void reset_if_changed();

  const std::shared_ptr<SharedInstance> shared_;
  cb::CircuitBreaker local_;
  EventLoop& loop_;
  uint64_t latest_generation_ = 0;
};

}  // namespace simulation
