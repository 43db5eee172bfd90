#include "redis_breaker/sync/redis_availability.hpp"

#include <cstdio>
#include <utility>
#include <variant>

namespace cb {
namespace {

using namespace std::chrono_literals;

const Identity whom{"redis"};

const Policy guard_policy{.failure_threshold = 1,
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

RedisGuard::RedisGuard(Listener listener, std::function<void()> changed)
    : listener_(std::move(listener)),
      changed_(std::move(changed)),
      breaker_(guard_policy, on_transition([this](const Transition& transition) { follow(transition); })) {}

std::string RedisGuard::trouble() const {
  const std::scoped_lock lock(mutex_);
  return is_joined() ? "" : trouble_;
}

SharedTable::Result RedisGuard::run(const std::function<SharedTable::Result()>& operation) {
  if (!is_joined()) return StoreTrouble{trouble()};
  Admission admission = breaker_.acquire();
  auto* permit = std::get_if<Permit>(&admission);
  if (permit == nullptr || permit->is_probe()) return StoreTrouble{trouble()};  // it has just opened
  SharedTable::Result result = operation();
  settle(std::move(*permit), result);
  return result;
}

std::chrono::milliseconds RedisGuard::try_to_join(const std::function<SharedTable::Result()>& operation) {
  Admission admission = breaker_.acquire();
  if (const auto* rejection = std::get_if<Rejection>(&admission)) return rejection->retry_after;
  settle(std::move(std::get<Permit>(admission)), operation());
  return is_joined() ? 0ms : breaker_.status().retry_after;
}

void RedisGuard::settle(Permit permit, const SharedTable::Result& result) {
  const auto* trouble = std::get_if<StoreTrouble>(&result);
  if (trouble != nullptr) {
    const std::scoped_lock lock(mutex_);
    trouble_ = trouble->what;
  }
  permit.settle(trouble == nullptr ? Outcome::success : Outcome::failure);
}

void RedisGuard::complain(const std::string& what) const {
  notify(listener_, whom, EventKind::store_trouble, {}, what, steady_wall_clock());
}

void RedisGuard::follow(const Transition& transition) {
  if (transition.to == State::half_open) return;
  const bool joins = transition.to == State::closed;
  const bool news = joins || transition.from == State::closed;
  if (!news) return;
  std::unique_lock lock(mutex_);
  const std::string why = trouble_;
  const auto away = transition.at - std::exchange(away_since_, transition.at);
  lock.unlock();
  ++era_;
  changed_();
  if (!joins) return complain(why + "; on a local breaker until Redis is well");
  notify(listener_, whom, EventKind::store_joined, {}, "Redis is well: joined again after " + in_seconds(away),
         transition.at);
}

}  // namespace cb
