// An EventLoop is the whole of time in a simulation: a queue of what happens next, and a clock that jumps from one
// event to the next. Code that takes time is a coroutine: it sleeps, or waits for an answer, and goes on when
// the clock has come there. So a simulated process reads from top to bottom like a real one, without threads.
// Deterministic: events of one instant happen in the order in which they were scheduled. Not thread-safe.
// Source: discrete-event simulation as in FoundationDB's, "Testing Distributed Systems w/ Deterministic Simulation".
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "load_generator/simulation/event_queue.hpp"
#include "load_generator/simulation/redis/block_pool.hpp"
#include "simple_breaker/breaker.hpp"

namespace simulation {

using cb::TimePoint;
using std::chrono::microseconds;
using std::chrono::milliseconds;

class EventLoop {
 public:
  explicit EventLoop(TimePoint start) : now_(start) {}
  ~EventLoop() { clear(); }
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  TimePoint now() const { return now_; }
  uint64_t events() const { return events_; }  // so far

  // A time that has passed: now.
  void at(TimePoint when, std::function<void()> action) {
    const Sleeper free = take_slot();
    slots_[free.slot].action = std::move(action);
    wake_at(when, free);
  }
  void after(microseconds wait, std::function<void()> action) { at(now_ + wait, std::move(action)); }

  void run_until(TimePoint end);

  // Ends everything that waits, without running it. What it refers to must still exist.
  void clear();

  // For `co_await`. `may_be_over`: goes on at once if that time has passed; otherwise after what happens now.
  auto sleep_until(TimePoint when, bool may_be_over = false) {
    struct Sleep {
      EventLoop& loop;
      TimePoint until;
      bool may_be_over;
      bool await_ready() const { return may_be_over && until <= loop.now(); }
      void await_suspend(std::coroutine_handle<> waiting) { loop.wake_at(until, loop.park(waiting)); }
      void await_resume() const {}
    };
    return Sleep{*this, when, may_be_over};
  }
  auto sleep(microseconds time) { return sleep_until(now_ + time); }

  // A coroutine that sleeps until it is woken.
  struct Sleeper {
    uint32_t slot;
    uint32_t use;
  };
  // Not inline: in an await_suspend(), Clang 14 would put the slot below the stack pointer, and overwrite it.
  [[gnu::noinline]] Sleeper park(std::coroutine_handle<> waiting);
  void wake_at(TimePoint when, Sleeper sleeper);  // the first one counts

 private:
  struct Slot {
    std::coroutine_handle<> waiting;  // this, or the action
    std::function<void()> action;
    uint32_t use = 0;  // how often the slot was used before
  };
  Sleeper take_slot();
  void run(uint32_t slot);

  TimePoint now_;
  uint64_t events_ = 0;
  EventQueue<Sleeper> queue_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_slots_;
};

// A coroutine that starts at once; its caller does not wait for it.
struct Task {
  struct promise_type {
    Task get_return_object() const { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const {}
    void unhandled_exception() const { throw; }  // ends the simulation

    static void* operator new(size_t size) { return frames().take(size); }
    static void operator delete(void* frame, size_t size) { frames().give_back(frame, size); }
    static BlockPool& frames() {
      thread_local BlockPool pool;
      return pool;
    }
  };
};

// An answer that one coroutine waits for: `co_await answer.given()` is it, now or later.
template <class T>
class Answer {
 public:
  explicit Answer(EventLoop& loop) : loop_(loop) {}
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;

  // The first one counts.
  void give(T value) {
    if (is_given()) return;
    value_.emplace(std::move(value));
    if (sleeper_) loop_.wake_at(loop_.now(), *sleeper_);
  }
  bool is_given() const { return value_.has_value(); }

  auto given() {
    struct Wait {
      Answer& answer;
      bool await_ready() const { return answer.is_given(); }
      void await_suspend(std::coroutine_handle<> waiting) { answer.sleeper_ = answer.loop_.park(waiting); }
      T await_resume() { return *std::move(answer.value_); }
    };
    return Wait{*this};
  }

 private:
  EventLoop& loop_;
  std::optional<T> value_;
  std::optional<EventLoop::Sleeper> sleeper_;
};

}  // namespace simulation
