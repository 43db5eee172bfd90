#include "redis_breaker/sync/core_shell.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "simple_breaker/uncancelled_thread.hpp"

namespace cb {

using std::chrono::milliseconds;

CoreShell::CoreShell(std::shared_ptr<const SharedBreakerGroup> group, const Identity& identity, NoticeQueue notices)
    : group_(std::move(group)),
      name_(identity.key()),
      notices_(std::move(notices)),
      fast_(group_->policy, group_->synchronizer->push_status(0)),
      core_(group_->policy) {
  require_valid(identity);
  group_->synchronizer->add(*this, identity.name);
}

CoreShell::~CoreShell() { group_->synchronizer->remove(*this); }

CachedCore::Outcome CoreShell::apply(Event event) {
  if (!group_->gate->is_available()) return StoreTrouble{group_->gate->error()};
  Lock lock(mutex_);
  add_successes();
  return await(core_.add(std::move(event)), lock);
}

// One thread at a time asks the store. The others wait, and one of them asks next.
CachedCore::Outcome CoreShell::await(CachedCore::Ticket ticket, Lock& lock) {
  const UncancelledThread uncancelled;  // a cancelled one would take its answer, and the others', with it
  while (true) {
    if (auto outcome = core_.take(ticket)) return *std::move(outcome);
    if (core_.is_exchanging()) {
      exchanged_.wait(lock);
    } else {
      exchange(StateStore::Writes::if_changed, lock);
    }
  }
}

StoreResult CoreShell::exchange(StateStore::Writes writes, Lock& lock) {
  const CachedCore::Exchange exchange = core_.begin(fast_.feed(), steady_wall_clock());
  lock.unlock();
  StoreResult result;
  try {
    result = group_->gate->apply(*group_->store, name_, exchange.known, exchange.events, writes);
  } catch (const std::exception& error) {  // no memory
    result = StoreTrouble{error.what()};
  }
  lock.lock();
  if (const auto* answer = std::get_if<Answer>(&result)) {
    const PushStatus& pushes = group_->synchronizer->push_status_of(answer->origin);
    fast_.listen_to(pushes);
    core_.end(*answer, pushes.feed(), steady_wall_clock());
  } else {
    core_.fail(std::get<StoreTrouble>(result));
  }
  publish();
  exchanged_.notify_all();
  return result;
}

void CoreShell::add_successes() {
  const auto taken = fast_.take_successes(core_.view().generation);
  core_.add_successes(taken.count, taken.older, steady_wall_clock());
}

SharedState CoreShell::hand_over() {
  const Lock lock(mutex_);
  core_.lose_successes(fast_.take_successes(core_.view().generation).count);
  return core_.shared_state();
}

// Notices are added under the lock: their order is that of what happened.
void CoreShell::publish() {
  for (const CachedCore::Notable& each : core_.take_notices()) {
    const Transition& what = each.transition;
    if (each.kind == NoticeKind::transition || each.kind == NoticeKind::override) {
      notices_.add(each.kind, what, each.counted);
      made_ = {what.generation, what.cause};
    } else {
      notices_.add(each.kind, {what.to, what.generation, each.admitted_in}, what.cause, what.at, each.count);
    }
  }
  fast_.publish(core_.view());
}

// The key of a tenant's breaker, as Identity::full() has it.
BreakerDescription CoreShell::describe() const {
  BreakerDescription description{name_, {}};
  std::replace(description.name.begin(), description.name.end(), Identity::separator, '/');
  const Lock lock(mutex_);
  if (made_.first == core_.view().generation) description.cause = made_.second;
  return description;
}

CoreShell::Known CoreShell::known() const {
  const Lock lock(mutex_);
  const CachedView& view = core_.view();
  Known known{core_.latest(), core_.counters(), std::nullopt};
  const TimePoint now = coarse_wall_clock();
  const Feed feed = fast_.feed();
  const TimePoint at = view.is_fresh(feed, now) ? std::max(feed.confirmed_at, view.fetched_at) : view.fetched_at;
  if (view.generation != 0) known.age = std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(now - at));
  return known;
}

// --- called by the synchronizer

void CoreShell::refresh() {
  apply(Tick{});
  group_->synchronizer->deliver(notices_.whole());
}

void CoreShell::report() { refresh(); }  // every request carries the counted successes

StoreResult CoreShell::reconnect() {
  Lock lock(mutex_);
  StoreResult result = attempt(lock);
  // Twice: the first run may have needed memory that the next one lacks, for the script or a connection's buffers.
  if (std::holds_alternative<Answer>(result)) result = attempt(lock);
  lock.unlock();
  group_->synchronizer->deliver(notices_.whole());
  return result;
}

StoreResult CoreShell::attempt(Lock& lock) {
  exchanged_.wait(lock, [this] { return !core_.is_exchanging(); });
  add_successes();
  const auto ticket = core_.add(Tick{});
  StoreResult result = exchange(StateStore::Writes::always, lock);
  core_.take(ticket);
  return result;
}

bool CoreShell::on_key_written(std::string_view key) {
  const Lock lock(mutex_);
  const bool needs_question = core_.written(key, steady_wall_clock());
  publish();
  return needs_question;
}

void CoreShell::refresh_if_written() {
  Lock lock(mutex_);
  const bool needs_question = core_.was_written();
  lock.unlock();
  if (needs_question) refresh();
}

void CoreShell::on_news(const News& news) {
  Lock lock(mutex_);
  core_.announced(news, fast_.feed(), steady_wall_clock());
  publish();
}

}  // namespace cb
