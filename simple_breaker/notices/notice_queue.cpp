#include "simple_breaker/notices/notice_queue.hpp"

#include <algorithm>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>

#include "simple_breaker/uncancelled_thread.hpp"

namespace cb {
namespace {

constexpr std::chrono::milliseconds longest_turn{100};
constexpr size_t most_in_a_turn = 100'000;  // takes far longer than a turn should
constexpr size_t most_unmerged = 100;
constexpr size_t most_waiting = 1000;

bool is_transition(const Notice& notice) {
  return notice.kind == NoticeKind::transition || notice.kind == NoticeKind::override;
}

}  // namespace

std::shared_ptr<SharedListener> shared(Listener listener) {
  return listener ? std::make_shared<SharedListener>(std::move(listener)) : nullptr;
}

// Outlives the breaker while a notice is delivered.
struct NoticeQueue::Shared {
  Shared(std::shared_ptr<SharedListener> to, Identity from) : listener(std::move(to)), breaker(std::move(from)) {}

  struct Waiting {
    Notice notice;
    std::string cause;
  };
  using Notices = std::list<Waiting>;

  void add(const Notice& notice, std::string cause);
  void deliver();
  void close();

  bool merge(const Notice& notice);
  bool take_turn(std::unique_lock<std::mutex>& lock);
  void end_turn();
  void deliver_first(std::unique_lock<std::mutex>& lock);
  void call_listener(Waiting& next) noexcept;

  const std::shared_ptr<SharedListener> listener;
  const Identity breaker;
  mutable std::mutex mutex;  // guards all that follows
  std::condition_variable changed;
  Notices waiting;
  std::thread::id deliverer;  // none: no delivery is under way
  uint64_t turns = 0;         // that have ended
  bool wants_relief = false;  // the deliverer has delivered for long enough
  bool is_relieved = false;   // another thread waits to go on
  bool is_closed = false;
  std::atomic<int> calls{0};  // of the breaker, in progress
};

// --- adding

void NoticeQueue::Shared::add(const Notice& notice, std::string cause) {
  const std::scoped_lock lock(mutex);
  if (is_closed || (waiting.size() >= most_unmerged && merge(notice))) return;
  waiting.push_back({notice, std::move(cause)});
  if (waiting.size() <= most_waiting) return;
  waiting.pop_front();
  ++listener->errors;
}

// Not across a transition: what it counts belongs to one state.
bool NoticeQueue::Shared::merge(const Notice& notice) {
  if (is_transition(notice)) return false;
  const auto last_transition =
      std::find_if(waiting.rbegin(), waiting.rend(), [](const Waiting& other) { return is_transition(other.notice); });
  const auto same = std::find_if(waiting.rbegin(), last_transition,
                                 [&](const Waiting& other) { return other.notice.kind == notice.kind; });
  if (same == last_transition) return false;
  same->notice.count += notice.count;
  return true;
}

// --- delivering

// A cancelled thread would leave the queue without an end, or end the process: destructors deliver and close.
void NoticeQueue::Shared::deliver() {
  const UncancelledThread uncancelled;
  std::unique_lock lock(mutex);
  if (!take_turn(lock)) return;
  const auto relief_due = std::chrono::steady_clock::now() + longest_turn;
  for (size_t delivered = 0, last = most_in_a_turn; delivered < last && !waiting.empty() && !is_relieved; ++delivered) {
    // What the listener itself keeps causing waits for the next call; what other threads add, they deliver themselves.
    if (delivered + 1 == most_in_a_turn) last += waiting.size();
    deliver_first(lock);
    wants_relief = wants_relief || std::chrono::steady_clock::now() >= relief_due;
  }
  end_turn();
}

// True: this thread delivers. False: another one does, or there is nothing to deliver.
bool NoticeQueue::Shared::take_turn(std::unique_lock<std::mutex>& lock) {
  if (deliverer == std::this_thread::get_id()) return false;
  if (waiting.empty()) return false;
  if (deliverer != std::thread::id()) {
    if (!wants_relief || is_relieved) return false;
    is_relieved = true;
    changed.wait(lock, [&, turn = turns] { return turns != turn || is_closed; });
    if (deliverer != std::thread::id()) return false;
  }
  deliverer = std::this_thread::get_id();
  return true;
}

void NoticeQueue::Shared::end_turn() {
  deliverer = {};
  wants_relief = is_relieved = false;
  ++turns;
  changed.notify_all();
}

void NoticeQueue::Shared::deliver_first(std::unique_lock<std::mutex>& lock) {
  Notices next;
  next.splice(next.begin(), waiting, waiting.begin());
  lock.unlock();
  call_listener(next.front());
  next.clear();
  lock.lock();
}

void NoticeQueue::Shared::call_listener(Waiting& next) noexcept {
  next.notice.name = breaker.name;
  next.notice.context = breaker.context;
  next.notice.cause = next.cause;
  try {
    listener->call(next.notice);
  } catch (...) {
    ++listener->errors;
  }
}

void NoticeQueue::Shared::close() {
  const UncancelledThread uncancelled;
  deliver();
  std::unique_lock lock(mutex);
  const bool in_listener = deliverer == std::this_thread::get_id();
  if (!in_listener) changed.wait(lock, [&] { return deliverer == std::thread::id(); });
  is_closed = true;
  waiting.clear();
  changed.notify_all();
}

// --- handles

NoticeQueue::NoticeQueue(std::shared_ptr<SharedListener> listener, Identity breaker) {
  if (listener) shared_ = std::make_shared<Shared>(std::move(listener), std::move(breaker));
}

uint64_t NoticeQueue::listener_errors() const { return shared_ ? shared_->listener->errors.load() : 0; }

void NoticeQueue::add(NoticeKind kind, const Transition& transition, const CountedCalls& counted) const {
  if (!shared_) return;
  add({kind, {}, {}, transition.from, transition.to, transition.generation, {}, transition.at, 1, counted},
      std::string(prefix_) + transition.cause);
}

void NoticeQueue::add(NoticeKind kind, StateGeneration where, std::string_view cause, TimePoint at,
                      uint64_t count) const {
  if (!shared_) return;
  const uint64_t shown = where.admitted_in == 0 ? where.generation : where.admitted_in;
  add({kind, {}, {}, where.state, where.state, shown, {}, at, count}, std::string(cause));
}

void NoticeQueue::add_slow_call(StateGeneration where, std::chrono::microseconds took, TimePoint at) const {
  if (!shared_) return;
  const auto rounded = std::chrono::duration_cast<std::chrono::milliseconds>(took);
  add(NoticeKind::slow_call, where, "took " + std::to_string(rounded.count()) + "ms", at);
}

void NoticeQueue::add(const Notice& notice, std::string cause) const {
  if (!filter_ || filter_(notice)) shared_->add(notice, std::move(cause));
}

void NoticeQueue::deliver() const {
  if (is_held_back_) return;
  if (const auto keeps_alive = shared_) keeps_alive->deliver();
}

void NoticeQueue::deliver_unless_called() const {
  if (shared_ && shared_->calls == 0) deliver();
}

bool NoticeQueue::has_notices() const {
  if (!shared_) return false;
  const std::scoped_lock lock(shared_->mutex);
  return !shared_->waiting.empty();
}

void NoticeQueue::close() const {
  if (shared_ && prefix_.empty() && !is_held_back_) shared_->close();
}

NoticeQueue NoticeQueue::part(std::string_view prefix, Filter filter) const {
  NoticeQueue part = *this;
  part.prefix_ = prefix;
  part.filter_ = std::move(filter);
  return part;
}

NoticeQueue::Delivery::Delivery(NoticeQueue notices) : notices_(std::move(notices)) {
  if (notices_.shared_) ++notices_.shared_->calls;
}

void NoticeQueue::Delivery::finish() {
  const NoticeQueue notices = notices_;
  dismiss();
  notices.deliver();
}

void NoticeQueue::Delivery::dismiss() {
  if (const auto shared = std::exchange(notices_.shared_, nullptr)) --shared->calls;
}

NoticeQueue NoticeQueue::held_back() const {
  NoticeQueue held_back = *this;
  held_back.is_held_back_ = true;
  return held_back;
}

NoticeQueue NoticeQueue::whole() const {
  NoticeQueue whole;
  whole.shared_ = shared_;
  return whole;
}

}  // namespace cb
