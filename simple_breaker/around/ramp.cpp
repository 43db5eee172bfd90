#include "simple_breaker/around/ramp.hpp"

#include <stdexcept>
#include <utility>
#include <variant>

namespace cb {

Ramp::Ramp(Breaker& breaker, std::chrono::milliseconds length, Clock clock)
    : breaker_(breaker), step_(std::chrono::microseconds(length) / shares.size()), clock_(std::move(clock)) {
  if (length.count() < 1) throw std::invalid_argument("a ramp takes 1ms or longer");
}

Admission Ramp::acquire() {
  Admission admission = breaker_.acquire();
  auto* permit = std::get_if<Permit>(&admission);
  const bool is_ordinary = permit != nullptr && !permit->is_probe();
  if (is_ordinary && (was_away_.load() || began_.load() != TimePoint{})) return ramp_up(std::move(*permit));
  if (!is_ordinary && !was_away_.load()) was_away_ = true;
  return admission;
}

Admission Ramp::ramp_up(Permit permit) {
  const TimePoint now = clock_();
  if (was_away_.exchange(false)) {
    calls_ = 0;
    began_ = now;
  }
  TimePoint began = began_;
  const auto took = now - began;
  const auto step = static_cast<uint64_t>(took / step_);  // huge if the clock was set back
  if (began == TimePoint{} || step >= shares.size()) {
    began_.compare_exchange_strong(began, TimePoint{});  // unless another thread has begun a new one
    return permit;
  }
  const uint64_t before = calls_.fetch_add(1) * shares.at(step);
  if (before % 100 == 0 || before % 100 + shares.at(step) > 100) return permit;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(step_ - took % step_);
  return Rejection{State::closed, left};
}

BreakerDescription Ramp::describe() const {
  BreakerDescription description = breaker_.describe();
  if (began_.load() != TimePoint{}) description.cause = "ramping up after a break";
  return description;
}

}  // namespace cb
