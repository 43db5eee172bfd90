// DriverThreads run calls of MongoDB's driver with a deadline for the whole call. The driver has none: it has timeouts
// for connecting, for choosing a server and for each read, one after the other. So calls run on separate threads, each
// with its client, and the caller stops waiting; a call that hangs keeps its thread until the driver's timeouts end it.
// Thread-safe: every method.
// Invariants: a client belongs to one thread; a call that has not begun by its deadline never begins.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "store_breaker/mongodb/driver.hpp"

namespace cb {

class DriverThreads {
 public:
  // Returns false if the client should not be used again, because a connection has failed.
  using Call = std::function<bool(mongoc_client_t*)>;

  // `uri` must outlive this object.
  explicit DriverThreads(const mongoc_uri_t* uri) : uri_(uri) {}
  ~DriverThreads();  // waits for the calls that have begun

  // True when the call has ended; false if the deadline came first. Then it may still be running.
  bool run(Call call, std::chrono::steady_clock::time_point deadline);

 private:
  enum class Progress { waiting, running, ended, cancelled };
  struct Job {
    Call call;
    Progress progress = Progress::waiting;  // guarded by mutex_
  };

  void work(const std::stop_token& stop);
  std::shared_ptr<Job> next(const std::stop_token& stop);

  static constexpr size_t most_threads = 32;

  const mongoc_uri_t* uri_;
  std::mutex mutex_;
  std::condition_variable_any waiting_;
  std::condition_variable ended_;
  std::deque<std::shared_ptr<Job>> jobs_;  // guarded by mutex_, like what follows
  size_t idle_ = 0;                        // threads
  std::vector<std::jthread> threads_;
};

}  // namespace cb
