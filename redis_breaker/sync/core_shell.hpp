// A CoreShell gives a CachedCore what it lacks: a lock, a store to ask, what the synchronizer reports, and a published
// view for calls that need no lock. One thread at a time asks the store; what others have to ask meanwhile is sent
// together with the next request. Thread-safe: every public method. It never calls a listener: its owner delivers the
// notices.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "redis_breaker/cached_core.hpp"
#include "redis_breaker/shared_breaker_group.hpp"
#include "redis_breaker/sync/published_view.hpp"
#include "simple_breaker/notices/notice_queue.hpp"
#include "simple_breaker/policies/identity.hpp"

namespace cb {

class CoreShell final : private SynchronizedBreaker {
 public:
  CoreShell(std::shared_ptr<const SharedBreakerGroup> group, const Identity& identity, NoticeQueue notices);
  ~CoreShell() override;
  CoreShell(const CoreShell&) = delete;
  CoreShell& operator=(const CoreShell&) = delete;

  PublishedView& fast() { return fast_; }
  const PublishedView& fast() const { return fast_; }

  // Waits for the outcome.
  CachedCore::Outcome apply(Event event);

  // The last answer of the store, and what is to be counted beside it.
  struct Known {
    Answer answer;
    CachedCore::Counters counters;
    std::optional<std::chrono::milliseconds> age;  // nothing before the first answer
  };
  Known known() const;

  // The shared state, for a local breaker that continues it. The store will not be sent the successes counted so far.
  SharedState hand_over();

  // The cause only of a transition that this process has made: no other is announced with its cause.
  BreakerDescription describe() const;

  // For its owner, who decides what a call does.
  using Lock = std::unique_lock<std::mutex>;
  Lock lock() const { return Lock(mutex_); }

  // For the holder of the lock.
  CachedCore& core() { return core_; }
  CachedCore::Outcome await(CachedCore::Ticket ticket, Lock& lock);
  void add_successes();
  void publish();

  const SharedBreakerGroup& group() const { return *group_; }
  bool has_listener() const { return notices_.has_listener(); }
  void report_soon() { group_->synchronizer->report_soon(*this); }

 private:
  std::string_view name() const override { return name_; }
  uint64_t known_generation() const override { return fast_.word().generation(); }
  void refresh() override;
  void report() override;
  StoreResult reconnect() override;
  bool on_key_written(std::string_view key) override;
  void refresh_if_written() override;
  void on_news(const News& news) override;

  StoreResult exchange(StateStore::Writes writes, Lock& lock);
  StoreResult attempt(Lock& lock);

  const std::shared_ptr<const SharedBreakerGroup> group_;
  const std::string name_;
  const NoticeQueue notices_;
  PublishedView fast_;
  mutable std::mutex mutex_;
  std::condition_variable exchanged_;
  CachedCore core_;  // guarded by mutex_
  std::pair<uint64_t, std::string>
      made_;  // guarded by mutex_; the latest transition of this process: generation, cause
};

}  // namespace cb
