// A NoticeQueue delivers the notices of one breaker to its listener: one at a time, in the order of what happened, on a
// thread that caused one, with no lock held. The thread that finds no delivery under way empties the queue; others
// leave their notice and go on. Notices that the listener causes are delivered after it returns. What it throws is
// counted. Bounded: after 100 ms a thread hands over to the next one with a notice. Beyond 100 waiting notices, those
// of one kind are merged (Notice::count); of 1000 the oldest is dropped, and counted as an error of the listener.
// Thread-safe: every method. A copy is another handle of the same queue; a queue without a listener does nothing.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "simple_breaker/breaker.hpp"
#include "simple_breaker/notice.hpp"
#include "simple_breaker/policies/identity.hpp"

namespace cb {

// A listener that many breakers share, and its errors: exceptions, and notices that were dropped because it is too
// slow.
struct SharedListener {
  explicit SharedListener(Listener listener) : call(std::move(listener)) {}
  const Listener call;
  std::atomic<uint64_t> errors{0};
};

// Nothing for an empty listener.
std::shared_ptr<SharedListener> shared(Listener listener);

// Where something happened that changed no state. `admitted_in`: the generation of the call, if it is another one; the
// notice shows that one.
struct StateGeneration {
  State state = State::closed;
  uint64_t generation = 0;
  uint64_t admitted_in = 0;
};

class NoticeQueue {
  struct Shared;

 public:
  using Filter = std::function<bool(const Notice&)>;

  NoticeQueue() = default;  // without a listener
  NoticeQueue(std::shared_ptr<SharedListener> listener, Identity breaker);

  bool has_listener() const { return shared_ != nullptr; }
  uint64_t listener_errors() const;

  // Adding never calls the listener: add under the breaker's lock, so that the order is that of what happened.
  void add(NoticeKind kind, const Transition& transition, const CountedCalls& counted = {}) const;
  void add(NoticeKind kind, StateGeneration where, std::string_view cause, TimePoint at, uint64_t count = 1) const;
  void add_slow_call(StateGeneration where, std::chrono::microseconds took, TimePoint at) const;

  // Delivers what waits, unless another thread does. Call it without locks; the listener may destroy the breaker.
  void deliver() const;

  // The same for a thread that no call waits for: it leaves the delivery to a call in progress, so that a listener
  // which destroys the breaker does not destroy it under that call.
  void deliver_unless_called() const;
  bool has_notices() const;

  // Waits for a delivery on another thread; afterwards the listener is not called any more. For the breaker's
  // destructor, which may run in the listener. Does nothing for a part().
  void close() const;

  // This queue for a part of the same breaker: the causes of its transitions start with `prefix` (a literal), and it
  // reports only what `filter` lets pass.
  NoticeQueue part(std::string_view prefix, Filter filter = {}) const;

  // This queue for a part whose owner delivers: deliver() and close() of the handle do nothing.
  NoticeQueue held_back() const;

  // A handle that delivers.
  NoticeQueue whole() const;

  class Delivery;

 private:
  void add(const Notice& notice, std::string cause) const;

  std::shared_ptr<Shared> shared_;
  std::string_view prefix_{};
  Filter filter_{};
  bool is_held_back_ = false;
};

// A call of the breaker that may cause notices: delivers them when it ends. Declare it before the lock.
class NoticeQueue::Delivery {
 public:
  explicit Delivery(NoticeQueue notices);
  ~Delivery() { finish(); }
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  void finish();   // now; the listener may have destroyed the breaker
  void dismiss();  // without delivering

 private:
  NoticeQueue notices_;
};

}  // namespace cb
