#include "simple_breaker/notices/notice_queue.hpp"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <iterator>
#include <list>
#include <map>
#include <mutex>
#include <thread>

namespace cb {
namespace {

constexpr std::chrono::milliseconds longest_turn{100};
constexpr size_t most_in_a_turn = 100'000;  // takes far longer than a turn should
constexpr size_t most_unmerged = 100;
constexpr size_t most_waiting = 1000;

bool is_transition(const Notice& notice) {
  return notice.kind == NoticeKind::transition || notice.kind == NoticeKind::override;
}

// A call that is cancelled while its thread runs the listener would leave the queue without an end.
class UncancelledThread {
 public:
  UncancelledThread() { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
  ~UncancelledThread() { pthread_setcancelstate(before_, nullptr); }
  UncancelledThread(const UncancelledThread&) = delete;
  UncancelledThread& operator=(const UncancelledThread&) = delete;

 private:
  int before_ = 0;
};

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
    uint64_t generation;     // of the breaker; a result shows the one that admitted it
    uint64_t operation;      // the newest one that had begun
    std::thread::id thread;  // that added it
  };
  using Notices = std::list<Waiting>;

  void add(Notice notice, std::string cause, uint64_t generation);
  void deliver();
  void close();
  bool has_notices() const;
  uint64_t begin_operation();
  void end_operation(uint64_t number);

  bool merge(const Notice& notice);
  Notices::iterator place_of(const Notice& notice, uint64_t generation);
  void await_operations(std::unique_lock<std::mutex>& lock);
  bool take_turn(std::unique_lock<std::mutex>& lock);
  void end_turn();
  void deliver_first(std::unique_lock<std::mutex>& lock);
  void call_listener(Waiting& next) noexcept;

  const std::shared_ptr<SharedListener> listener;
  const Identity breaker;
  mutable std::mutex mutex;  // guards all that follows
  std::condition_variable changed;
  Notices waiting;
  std::map<uint64_t, std::thread::id> operations;  // under way, by number, and the threads that began them
  uint64_t last_operation = 0;
  std::thread::id deliverer;  // none: no delivery is under way
  uint64_t turns = 0;         // that have ended
  bool wants_relief = false;  // the deliverer has delivered for long enough
  bool is_relieved = false;   // another thread waits to go on
  bool is_closed = false;
};

// --- adding

void NoticeQueue::Shared::add(Notice notice, std::string cause, uint64_t generation) {
  const std::scoped_lock lock(mutex);
  if (is_closed || (waiting.size() >= most_unmerged && merge(notice))) return;
  waiting.insert(place_of(notice, generation),
                 {notice, std::move(cause), generation, last_operation, std::this_thread::get_id()});
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

// Before the notices of later generations that were added since the oldest operation began; a transition begins its
// generation.
NoticeQueue::Shared::Notices::iterator NoticeQueue::Shared::place_of(const Notice& notice, uint64_t generation) {
  if (operations.empty()) return waiting.end();
  const uint64_t first = is_transition(notice) ? generation : generation + 1;
  return std::find_if(waiting.begin(), waiting.end(), [&](const Waiting& other) {
    return other.operation >= operations.begin()->first && other.generation >= first;
  });
}

uint64_t NoticeQueue::Shared::begin_operation() {
  const std::scoped_lock lock(mutex);
  operations.emplace(++last_operation, std::this_thread::get_id());
  return last_operation;
}

void NoticeQueue::Shared::end_operation(uint64_t number) {
  const std::scoped_lock lock(mutex);
  operations.erase(number);
  changed.notify_all();
}

// --- delivering

// A notice waits while an operation is under way that began before it was added: that one may have to report something
// that happened earlier.
bool NoticeQueue::Shared::has_notices() const {
  return !waiting.empty() && (operations.empty() || operations.begin()->first > waiting.front().operation);
}

void NoticeQueue::Shared::deliver() {
  std::unique_lock lock(mutex);
  if (!take_turn(lock)) return;
  const auto relief_due = std::chrono::steady_clock::now() + longest_turn;
  for (size_t delivered = 0, last = most_in_a_turn; delivered < last && has_notices() && !is_relieved; ++delivered) {
    // What the listener itself keeps causing waits for the next call; what other threads add, they deliver themselves.
    if (delivered + 1 == most_in_a_turn) last += waiting.size();
    deliver_first(lock);
    wants_relief = wants_relief || std::chrono::steady_clock::now() >= relief_due;
  }
  end_turn();
}

// A thread that has caused a transition waits a moment for the operations that may have to report an earlier one, so
// that its listener has been called when its call returns.
void NoticeQueue::Shared::await_operations(std::unique_lock<std::mutex>& lock) {
  const auto self = std::this_thread::get_id();
  const auto mine = std::find_if(waiting.rbegin(), waiting.rend(), [&](const Waiting& notice) {
    return notice.thread == self && is_transition(notice.notice);
  });
  if (mine == waiting.rend()) return;
  changed.wait_for(lock, longest_turn, [&, newest = mine->operation] {
    return std::none_of(operations.begin(), operations.upper_bound(newest),
                        [&](const auto& operation) { return operation.second != self; });
  });
}

// True: this thread delivers. False: another one does, or there is nothing to deliver.
bool NoticeQueue::Shared::take_turn(std::unique_lock<std::mutex>& lock) {
  if (deliverer == std::this_thread::get_id()) return false;
  if (!operations.empty()) await_operations(lock);
  if (!has_notices()) return false;
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
  const UncancelledThread uncancelled;
  try {
    listener->call(next.notice);
  } catch (...) {
    ++listener->errors;
  }
}

void NoticeQueue::Shared::close() {
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

void NoticeQueue::add(NoticeKind kind, const Transition& transition) const {
  if (!shared_) return;
  add({kind, {}, {}, transition.from, transition.to, transition.generation, {}, transition.at},
      std::string(prefix_) + transition.cause, transition.generation);
}

void NoticeQueue::add(NoticeKind kind, StateGeneration where, std::string_view cause, TimePoint at,
                      uint64_t count) const {
  if (!shared_) return;
  const uint64_t shown = where.admitted_in == 0 ? where.generation : where.admitted_in;
  add({kind, {}, {}, where.state, where.state, shown, {}, at, count}, std::string(cause), where.generation);
}

void NoticeQueue::add_slow_call(StateGeneration where, std::chrono::microseconds took, TimePoint at) const {
  if (!shared_) return;
  const auto rounded = std::chrono::duration_cast<std::chrono::milliseconds>(took);
  add(NoticeKind::slow_call, where, "took " + std::to_string(rounded.count()) + "ms", at);
}

void NoticeQueue::add(Notice notice, std::string cause, uint64_t generation) const {
  if (!filter_ || filter_(notice)) shared_->add(notice, std::move(cause), generation);
}

void NoticeQueue::deliver() const {
  if (const auto keeps_alive = shared_) keeps_alive->deliver();
}

bool NoticeQueue::has_notices() const {
  if (!shared_) return false;
  const std::scoped_lock lock(shared_->mutex);
  return shared_->has_notices();
}

void NoticeQueue::close() const {
  if (shared_ && prefix_.empty()) shared_->close();
}

NoticeQueue NoticeQueue::part(std::string_view prefix, Filter filter) const {
  NoticeQueue part = *this;
  part.prefix_ = prefix;
  part.filter_ = std::move(filter);
  return part;
}

NoticeQueue::Operation::Operation(const NoticeQueue& notices) : shared_(notices.shared_) {
  if (shared_) number_ = shared_->begin_operation();
}

NoticeQueue::Operation::~Operation() {
  if (shared_) shared_->end_operation(number_);
}

}  // namespace cb
