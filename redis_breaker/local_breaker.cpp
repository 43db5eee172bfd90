#include "redis_breaker/local_breaker.hpp"

#include <algorithm>
#include <chrono>

namespace cb {
namespace {

constexpr std::chrono::minutes kept_for{1};

// Redis came back without its data, and an instance that had no news created it again.
bool was_created_again(const SharedState& before, const SharedState& now) {
  const auto is_plain = [](const SharedState& state) {
    return state.snapshot.state == State::closed && state.snapshot.mode == Mode::automatic;
  };
  return is_plain(before) && is_plain(now) && now.run != before.run && now.epoch == now.snapshot.generation;
}

}  // namespace

LocalBreaker::LocalBreaker(std::shared_ptr<const BreakerConfig> config, const NoticeQueue& notices,
                           std::function<bool()> is_in_use)
    : config_(std::move(config)),
      notices_(notices.part("local: ", [is_in_use = std::move(is_in_use)](const Notice& notice) {
        const bool is_transition = notice.kind == NoticeKind::transition || notice.kind == NoticeKind::override;
        return !is_transition || is_in_use();
      })) {}

bool LocalBreaker::continues_in(const SharedState& shared, TimePoint recovered_at) const {
  if (!watches_successes()) return false;
  if (shared.snapshot.mode != followed_->snapshot.mode) return false;  // the news had only that there is an override
  if (recovered_at >= followed_at_ && now() > recovered_at + kept_for) return false;
  return shared.snapshot.generation == followed_->snapshot.generation || was_created_again(*followed_, shared);
}

void LocalBreaker::follow(const SharedState& shared, TimePoint recovered_at) {
  const std::scoped_lock lock(mutex_);
  if (shared.version <= version_) return;
  if (!circuit_) circuit_ = std::make_unique<CircuitBreaker>(config_, notices_);
  if (continues_in(shared, recovered_at)) {
    const bool same_generation = shared.snapshot.generation == followed_->snapshot.generation;
    const int before = same_generation ? followed_->snapshot.counts.failures : 0;
    circuit_->count_elsewhere(std::max(0, shared.snapshot.counts.failures - before));
  } else {
    generation_ = circuit_->resume_from(shared.snapshot, shared.active_override);
  }
  followed_ = std::make_unique<const SharedState>(shared);
  followed_at_ = now();
  watches_successes_ = true;
  version_ = shared.version;
}

void LocalBreaker::saw_success(uint64_t version) {
  const std::scoped_lock lock(mutex_);
  if (version > version_) watches_successes_ = false;
}

Admission LocalBreaker::acquire() {
  ++calls_;
  return circuit_->acquire();
}

std::optional<Rejection> LocalBreaker::early_rejection(std::chrono::milliseconds wait) {
  auto rejection = circuit_->early_rejection(wait);
  if (rejection) ++calls_;
  return rejection;
}

DetailedStatus LocalBreaker::detailed_status() {
  DetailedStatus status = version_ == 0 ? DetailedStatus{} : circuit_->detailed_status();
  status.store.local_calls = calls_;
  return status;
}

Settled LocalBreaker::settle_shared(const PermitId& id, TimePoint started, Outcome outcome) {
  std::unique_lock lock(mutex_);
  const bool same_generation =
      id.generation == followed_->snapshot.generation && circuit_->known_generation() == generation_;
  const uint64_t generation = generation_;
  lock.unlock();
  if (!same_generation || id.probe == 0)
    return Permit(*circuit_, {same_generation ? generation : id.generation, 0}, started).settle(outcome);
  if (outcome == Outcome::success) circuit_->report_health(Health::up);
  return {circuit_->known_state(), false};
}

}  // namespace cb
