// Private servers that take seconds to start: while a test uses one set, the next one starts in the background.
#pragma once

#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

namespace cb::redis {

template <class Servers>
class Prefetch {
 public:
  // Starts `count` sets in all, one ahead; take() starts any further one itself.
  explicit Prefetch(int count) : left_(count), thread_([this](const std::stop_token& stop) { work(stop); }) {}

  std::unique_ptr<Servers> take() {
    std::unique_lock lock(mutex_);
    if (left_ == 0) return std::make_unique<Servers>();
    changed_.wait(lock, [this] { return next_ != nullptr || failure_ != nullptr; });
    if (failure_ != nullptr) std::rethrow_exception(failure_);
    auto taken = std::move(next_);
    --left_;
    changed_.notify_all();
    return taken;
  }

 private:
  // One thread for all: Linux kills the servers when the thread that started them ends.
  void work(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    const auto is_wanted = [this] { return next_ == nullptr && left_ > 0; };
    while (changed_.wait(lock, stop, is_wanted)) {
      lock.unlock();
      std::unique_ptr<Servers> started;
      std::exception_ptr failure;
      try {
        started = std::make_unique<Servers>();
      } catch (...) {
        failure = std::current_exception();
      }
      lock.lock();
      next_ = std::move(started);
      failure_ = failure;
      changed_.notify_all();
      if (failure_ != nullptr) return;
    }
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  int left_;  // guarded by mutex_, as is all below
  std::unique_ptr<Servers> next_;
  std::exception_ptr failure_;
  std::jthread thread_;
};

}  // namespace cb::redis
