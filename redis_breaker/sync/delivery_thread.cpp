#include "redis_breaker/sync/delivery_thread.hpp"

#include <system_error>
#include <utility>

namespace cb {

DeliveryThread::~DeliveryThread() {
  thread_.request_stop();
  const bool in_listener = thread_.get_id() == std::this_thread::get_id();
  if (in_listener) thread_.detach();
}

void DeliveryThread::add(const NoticeQueue& notices) {
  if (!notices.has_notices()) return;
  {
    const std::scoped_lock lock(due_->mutex);
    due_->queues.push_back(notices);
  }
  due_->changed.notify_one();
  if (!thread_.joinable()) start();
}

// Where no thread is to be had, the next notice tries again. A breaker's next call delivers what waits, too.
void DeliveryThread::start() {
  try {
    thread_ = std::jthread([due = due_](const std::stop_token& stop) { work(stop, *due); });
  } catch (const std::system_error&) {
  }
}

void DeliveryThread::work(const std::stop_token& stop, Due& due) {
  std::unique_lock lock(due.mutex);
  while (due.changed.wait(lock, stop, [&] { return !due.queues.empty(); })) {
    const auto queues = std::exchange(due.queues, {});
    lock.unlock();
    for (const NoticeQueue& notices : queues) notices.deliver_unless_called();
    lock.lock();
  }
}

}  // namespace cb
