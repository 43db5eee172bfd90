// A CachedBreaker is a shared breaker that answers calls from a cached view, which its store keeps fresh by push. It is
// the shell of a CachedCore: it owns the lock, asks the store, and publishes the view for calls that need no lock.
// Thread-safe: every method. It never calls a listener: its owner delivers the notices.
// Cost: a success on a healthy circuit reads a few atomics and a coarse clock; with a sliding window it also adds to a
// counter that is sent every 100 ms. A failure, and one probe request a process, are one round trip. One thread at a
// time asks the store; what others have to ask meanwhile is sent together with the next request.
// If the store fails, it says so, to the one call that waited for it and to all that wait behind it.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>

#include "redis_breaker/cached_core.hpp"
#include "redis_breaker/shared_breaker_group.hpp"
#include "redis_breaker/sync/published_view.hpp"
#include "redis_breaker/sync/synchronizer.hpp"
#include "simple_breaker/notices/notice_queue.hpp"
#include "simple_breaker/policies/identity.hpp"

namespace cb {

class CachedBreaker final : private SynchronizedBreaker {
 public:
  CachedBreaker(std::shared_ptr<const SharedBreakerGroup> group, const Identity& identity, NoticeQueue notices);
  ~CachedBreaker() override;
  CachedBreaker(const CachedBreaker&) = delete;
  CachedBreaker& operator=(const CachedBreaker&) = delete;

  PublishedView& fast() { return fast_; }
  const PublishedView& fast() const { return fast_; }

  std::variant<PermitId, Rejection, StoreTrouble> acquire();
  std::variant<Settled, StoreTrouble> settle(const PermitId& id, const CallResult& result);
  std::optional<Rejection> early_rejection(std::chrono::milliseconds wait);

  // The answers are replies, or what went wrong with the store.
  CachedCore::Outcome apply(Event event);

  // The last answer of the store, and what is to be counted beside it.
  struct Known {
    Answer answer;
    Snapshot snapshot;
    CachedCore::Counters counters;
    uint64_t version;
    std::optional<std::chrono::milliseconds> age;  // nothing before the first answer
  };
  Known known() const;

  // Successes that the store has not been sent, and now will not be.
  uint64_t take_unsent_successes();

 private:
  std::string_view name() const override { return name_; }
  uint64_t known_generation() const override { return fast_.word().generation(); }
  void refresh() override;
  void report() override;
  StoreResult reconnect() override;
  bool on_key_written(std::string_view key) override;
  void refresh_if_written() override;
  void on_news(const News& news) override;

  using Lock = std::unique_lock<std::mutex>;
  CachedCore::Outcome await(CachedCore::Ticket ticket, Lock& lock);
  StoreResult exchange(StateStore::Writes writes, Lock& lock);
  StoreResult attempt(Lock& lock);
  void add_successes();
  void publish();

  const std::shared_ptr<const SharedBreakerGroup> group_;
  const std::string name_;
  const NoticeQueue notices_;
  PublishedView fast_;
  mutable std::mutex mutex_;
  std::condition_variable exchanged_;
  CachedCore core_;  // guarded by mutex_
};

}  // namespace cb
