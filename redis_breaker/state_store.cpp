#include "redis_breaker/state_store.hpp"

#include "simple_breaker/clock.hpp"

namespace cb {

void show(const Answer& answer, const Policy& policy, DetailedStatus& status) {
  status.state = answer.state;
  status.generation = answer.generation;
  status.failures = answer.failures;
  status.recent = answer.recent;
  const TimePoint now = answer.now;
  const bool waits = answer.wait.count() > 0;
  status.retry_after = waits ? retry_after(answer.state, now + answer.wait, now, policy) : std::chrono::milliseconds(0);
  status.active_override = answer.active_override;
  status.override_until = answer.override_until;
  if (answer.override_until) status.override_until = steady_wall_clock() + (*answer.override_until - now);
}

}  // namespace cb
