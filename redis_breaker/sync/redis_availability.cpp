#include "redis_breaker/sync/redis_availability.hpp"

#include <cstdio>
#include <utility>
#include <variant>

namespace cb {
namespace {

using namespace std::chrono_literals;

const Policy availability_policy{.failure_threshold = 1,
                                 .recovery_timeout = 250ms,
                                 .recovery_timeout_multiplier = 2,
                                 .recovery_timeout_maximum = 2s,
                                 .recovery_timeout_jitter = 0.5};

std::string in_seconds(std::chrono::microseconds time) {
  std::string text(32, '\0');
  text.resize(static_cast<size_t>(
      std::snprintf(text.data(), text.size(), "%.1f s", std::chrono::duration<double>(time).count())));
  return text;
}

}  // namespace

RedisAvailability::RedisAvailability(std::shared_ptr<SharedListener> listener, std::function<void()> on_change)
    : events_(std::move(listener), {"redis"}),
      on_change_(std::move(on_change)),
      breaker_(availability_policy, on_transition([this](const Transition& transition) { handle(transition); })) {}

std::string RedisAvailability::error() const {
  const std::scoped_lock lock(mutex_);
  return is_available() ? "" : error_;
}

BreakerScript::Result RedisAvailability::run(const std::function<BreakerScript::Result()>& operation) {
  if (!is_available()) return StoreTrouble{error()};
  Admission admission = breaker_.acquire();
  auto* permit = std::get_if<Permit>(&admission);
  if (permit == nullptr || permit->is_probe()) return StoreTrouble{error()};  // it opened just now
  BreakerScript::Result result = operation();
  settle(std::move(*permit), result);
  return result;
}

std::chrono::milliseconds RedisAvailability::try_to_reconnect(const std::function<BreakerScript::Result()>& operation) {
  Admission admission = breaker_.acquire();
  if (const auto* rejection = std::get_if<Rejection>(&admission)) return rejection->retry_after;
  settle(std::move(std::get<Permit>(admission)), operation());
  return is_available() ? 0ms : breaker_.status().retry_after;
}

void RedisAvailability::settle(Permit permit, const BreakerScript::Result& result) {
  const auto* error = std::get_if<StoreTrouble>(&result);
  if (error != nullptr) {
    const std::scoped_lock lock(mutex_);
    error_ = error->what;
  }
  permit.settle(error == nullptr ? Outcome::success : Outcome::failure);
}

void RedisAvailability::report_problem(const std::string& what) const {
  events_.add(EventKind::store_trouble, {}, what, steady_wall_clock());
}

void RedisAvailability::handle(const Transition& transition) {
  if (transition.to == State::half_open) return;
  const bool recovered = transition.to == State::closed;
  const bool is_change = recovered || transition.from == State::closed;
  if (!is_change) return;
  std::unique_lock lock(mutex_);
  const std::string error = error_;
  const auto outage = transition.at - std::exchange(unavailable_since_, transition.at);
  lock.unlock();
  ++period_;
  on_change_();
  if (!recovered) return report_problem(error + "; using a local breaker until Redis recovers");
  events_.add(EventKind::store_joined, {},
              "Redis has recovered: using the shared breaker again after " + in_seconds(outage), transition.at);
}

}  // namespace cb
