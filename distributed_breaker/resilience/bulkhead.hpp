// A Bulkhead limits how many calls run at once and how many wait: a hung upstream then occupies its slots and its
// queue, not every worker of the service.
// Thread-safe: every method. Slots must not outlive their bulkhead.
// Invariants: running <= max_concurrent_calls; queued <= max_queued_calls; a call waits only while all slots are taken.
// A freed slot goes to the first call in the queue that has the time for an attempt; those before it are refused. A new
// call never overtakes a waiting one, and gets a free slot however little time it has.
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
#include "distributed_breaker/resilience/time_needed.hpp"
#include "simple_breaker/uncancelled_thread.hpp"

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

  // Waits in the queue for a slot. std::nullopt: the queue is full, or the deadline is too near for an attempt.
  std::optional<Slot> enter(const Deadline& deadline) {
    std::unique_lock lock(mutex_);
    const bool admitted = slots_ == 0 || running_ < slots_;
    if (admitted) ++running_;
    if (!admitted && !wait_for_turn(deadline, lock)) return std::nullopt;
    return Slot(*this);
  }

  // How an attempt ended: the calls that wait need as much time.
  void attempt_took(SteadyTime::duration took) {
    const std::scoped_lock lock(mutex_);
    time_needed_.attempt_took(took);
  }
  void no_answer_within(SteadyTime::duration timeout) {
    const std::scoped_lock lock(mutex_);
    time_needed_.no_answer_within(timeout);
  }

  Counts counts() const {
    const std::scoped_lock lock(mutex_);
    return {running_, queue_.size()};
  }

 private:
  enum class Turn { waiting, admitted, refused };

  struct Waiter {
    const Deadline& deadline;
    std::condition_variable woken{};
    Turn turn = Turn::waiting;
  };

  bool wait_for_turn(const Deadline& deadline, std::unique_lock<std::mutex>& lock) {
    if (queue_.size() >= places_ || is_too_late_for(deadline)) return false;
    const UncancelledThread uncancelled;  // the queue refers to this thread's stack
    Waiter self{deadline};
    queue_.push_back(&self);
    const auto decided = [&self] { return self.turn != Turn::waiting; };
    if (!deadline.instant()) {
      self.woken.wait(lock, decided);
    } else if (!self.woken.wait_until(lock, *deadline.instant(), decided)) {
      std::erase(queue_, &self);  // no slot was handed over, so it is still queued
    }
    return self.turn == Turn::admitted;
  }

  bool is_too_late_for(const Deadline& deadline) const {
    return deadline.over(std::chrono::steady_clock::now() + time_needed_.get());
  }

  void leave() {
    const std::scoped_lock lock(mutex_);
    --running_;
    while (running_ < slots_ && !queue_.empty()) {
      Waiter& next = *queue_.front();
      queue_.pop_front();
      next.turn = is_too_late_for(next.deadline) ? Turn::refused : Turn::admitted;
      if (next.turn == Turn::admitted) ++running_;
      next.woken.notify_one();  // under the lock: after unlocking, the waiter may be gone
    }
  }

  const size_t slots_;
  const size_t places_;
  mutable std::mutex mutex_;
  TimeNeeded time_needed_;  // guarded by mutex_, and so is all that follows
  size_t running_ = 0;
  std::deque<Waiter*> queue_;  // each on its waiting thread's stack
};

}  // namespace cb
