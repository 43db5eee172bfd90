#include "redis_breaker/sync/delivery_thread.hpp"

#include <system_error>
#include <utility>

namespace cb {

DeliveryThread::~DeliveryThread() {
  thread_.request_stop();
  const bool in_listener = thread_.get_id() == std::this_thread::get_id();
  if (in_listener) thread_.detach();
}

// Where no thread is to be had, the notices wait in their queue: for the next one, or a call of their breaker.
void DeliveryThread::add(const NoticeQueue& notices) {
  if (!notices.has_notices() || !has_thread()) return;
  {
    const std::scoped_lock lock(due_->mutex);
    due_->queues.push_back(notices);
  }
  due_->changed.notify_one();
}

bool DeliveryThread::has_thread() {
  try {
    if (!thread_.joinable()) thread_ = std::jthread([due = due_](const std::stop_token& stop) { work(stop, *due); });
    return true;
  } catch (const std::system_error&) {
    return false;
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
