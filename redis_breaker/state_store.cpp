#include "redis_breaker/state_store.hpp"

#include "simple_breaker/clock.hpp"

namespace cb {

DetailedStatus status_of(const Answer& answer, const Policy& policy) {
  DetailedStatus status;
  status.store.name = "redis";
  status.state = answer.state;
  status.generation = answer.generation;
  status.failures = answer.failures;
  status.recent = answer.recent;
  const TimePoint now = answer.now;
  if (answer.wait.count() > 0) status.retry_after = retry_after(answer.state, now + answer.wait, now, policy);
  status.active_override = answer.active_override;
  if (answer.override_until) status.override_until = steady_wall_clock() + (*answer.override_until - now);
  return status;
}

}  // namespace cb
