#include "distributed_breaker/registry/health_checker.hpp"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace cb {

bool check_health(const BreakerRegistry& registry, const AskHealth& ask, const std::stop_token& stop) {
  std::vector<std::shared_ptr<ManagedBreaker>> open;
  registry.for_each_open(BreakerRegistry::all, [&](const auto&, const auto& breaker) { open.push_back(breaker); });
  if (open.empty()) return false;
  const std::optional<Health> health = ask();
  for (const auto& breaker : open) {
    if (health && !stop.stop_requested()) breaker->report_health(*health);
  }
  return true;
}

HealthChecker::HealthChecker(std::chrono::milliseconds interval, AskHealth ask)
    : interval_(interval), ask_(std::move(ask)) {}

void HealthChecker::on_notice(const Notice& notice) {
  if (notice.to == State::open) wake();
}

std::jthread HealthChecker::watch(const BreakerRegistry& registry) {
  if (interval_.count() <= 0) return {};
  return std::jthread([this, &registry](const std::stop_token& stop) { run(stop, registry); });
}

void HealthChecker::run(const std::stop_token& stop, const BreakerRegistry& registry) {
  for (wait_until_due(stop); !stop.stop_requested(); wait_until_due(stop)) {
    // Reset the flag before the check: a breaker that opens after the check then wakes the thread again. The exchange
    // on both sides guarantees that the check sees any breaker that opened while the flag was set.
    something_opened_.exchange(false);
    if (check_health(registry, ask_, stop)) something_opened_ = true;
  }
}

void HealthChecker::wait_until_due(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  woken_.wait(lock, stop, [this] { return something_opened_.load(); });
  woken_.wait_for(lock, stop, interval_, [] { return false; });
}

void HealthChecker::wake() {
  if (something_opened_.exchange(true)) return;
  { const std::scoped_lock lock(mutex_); }  // now the thread either has yet to read the flag, or sleeps
  woken_.notify_one();
}

}  // namespace cb
