// A DeliveryThread calls listeners on behalf of the synchronizer, which a slow listener must not delay. It starts with
// the first notice. Destroying it delivers what it was given; a listener may destroy it too. add() is for one thread.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "simple_breaker/notices/notice_queue.hpp"

namespace cb {

class DeliveryThread {
 public:
  DeliveryThread() = default;
  ~DeliveryThread();
  DeliveryThread(const DeliveryThread&) = delete;
  DeliveryThread& operator=(const DeliveryThread&) = delete;

  // Does nothing if no notice waits.
  void add(const NoticeQueue& notices);

 private:
  struct Due {
    std::mutex mutex;
    std::condition_variable_any changed;
    std::vector<NoticeQueue> queues;  // guarded by mutex
  };

  bool has_thread();  // after starting it, if need be
  static void work(const std::stop_token& stop, Due& due);

  const std::shared_ptr<Due> due_ = std::make_shared<Due>();  // the thread may outlive this object
  std::jthread thread_;
};

}  // namespace cb
