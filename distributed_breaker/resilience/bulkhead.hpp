// A Bulkhead limits how many calls run at once and how many wait: a hung upstream then occupies its slots and its
// queue, not every worker of the service.
// Thread-safe: every method. Slots must not outlive their bulkhead.
// Invariants: running <= max_concurrent_calls; queued <= max_queued_calls; a call waits only while all slots are taken.
// A freed slot goes to the first call in the queue: a new call never overtakes it.
// Source: Nygard, Release It!, ch. 5, "Bulkheads".
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "distributed_breaker/resilience/call_policy.hpp"
#include "distributed_breaker/resilience/deadline.hpp"

namespace cb {

class Bulkhead {
 public:
  struct Counts {
    size_t running = 0;
    size_t queued = 0;
    bool operator==(const Counts&) const = default;
  };

  // Permission to run one call; the destructor frees it. Move-only.
  class [[nodiscard]] Slot {
   public:
    explicit Slot(Bulkhead& bulkhead) : bulkhead_(&bulkhead) {}
    Slot(Slot&& other) noexcept : bulkhead_(std::exchange(other.bulkhead_, nullptr)) {}
    Slot& operator=(Slot&&) = delete;
    ~Slot() {
      if (bulkhead_ != nullptr) bulkhead_->leave();
    }

   private:
    Bulkhead* bulkhead_;
  };

  // With max_concurrent_calls 0 it admits every call and only counts.
  explicit Bulkhead(const CallPolicy& policy)
      : slots_(static_cast<size_t>(policy.max_concurrent_calls)),
        places_(static_cast<size_t>(policy.max_queued_calls)) {}

  // Waits in the queue for a slot. std::nullopt: the queue is full, or the deadline passed.
  std::optional<Slot> enter(const Deadline& deadline) {
    std::unique_lock lock(mutex_);
    const bool admitted = slots_ == 0 || running_ < slots_;
    if (admitted) ++running_;
    if (!admitted && !wait_for_turn(deadline, lock)) return std::nullopt;
    return Slot(*this);
  }

  Counts counts() const {
    const std::scoped_lock lock(mutex_);
    return {running_, queue_.size()};
  }

 private:
  struct Waiter {
    std::condition_variable turn;
    bool admitted = false;
  };

  bool wait_for_turn(const Deadline& deadline, std::unique_lock<std::mutex>& lock) {
    if (queue_.size() >= places_) return false;
    Waiter self;
    queue_.push_back(&self);
    const auto admitted = [&self] { return self.admitted; };
    if (!deadline.instant()) {
      self.turn.wait(lock, admitted);
    } else if (!self.turn.wait_until(lock, *deadline.instant(), admitted)) {
      std::erase(queue_, &self);  // no slot was handed over, so it is still queued
    }
    return self.admitted;
  }

  void leave() {
    const std::scoped_lock lock(mutex_);
    if (queue_.empty()) {
      --running_;
      return;
    }
    Waiter& next = *queue_.front();
    queue_.pop_front();
    next.admitted = true;
    next.turn.notify_one();  // under the lock: after unlocking, the waiter may be gone
  }

  const size_t slots_;
  const size_t places_;
  mutable std::mutex mutex_;
  size_t running_ = 0;         // guarded by mutex_, and so is the queue
  std::deque<Waiter*> queue_;  // each on its waiting thread's stack
};

}  // namespace cb
