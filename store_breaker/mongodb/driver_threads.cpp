#include "store_breaker/mongodb/driver_threads.hpp"

#include <utility>

namespace cb {

DriverThreads::~DriverThreads() {
  for (std::jthread& thread : threads_) thread.request_stop();
  for (std::jthread& thread : threads_) thread.join();
}

bool DriverThreads::run(Call call, std::chrono::steady_clock::time_point deadline) {
  const auto job = std::make_shared<Job>();
  job->call = std::move(call);
  std::unique_lock lock(mutex_);
  if (jobs_.size() >= idle_ && threads_.size() < most_threads)
    threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  jobs_.push_back(job);
  waiting_.notify_one();
  ended_.wait_until(lock, deadline, [&] { return job->progress == Progress::ended; });
  if (job->progress == Progress::waiting) job->progress = Progress::cancelled;
  return job->progress == Progress::ended;
}

void DriverThreads::work(const std::stop_token& stop) {
  Owned<mongoc_client_t> client;
  while (const auto job = next(stop)) {
    if (!client) {
      client.reset(CB_DRIVER(mongoc_client_new_from_uri)(uri_));
      CB_DRIVER(mongoc_client_set_error_api)(client.get(), MONGOC_ERROR_API_VERSION_2);
    }
    if (!job->call(client.get())) client.reset();  // a client waits for seconds before it connects again
    const std::scoped_lock lock(mutex_);
    job->progress = Progress::ended;
    ended_.notify_all();
  }
}

// Nothing: stop.
std::shared_ptr<DriverThreads::Job> DriverThreads::next(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    const bool has_job = waiting_.wait(lock, stop, [&] { return !jobs_.empty(); });
    --idle_;
    if (!has_job) return nullptr;
    std::shared_ptr<Job> job = std::move(jobs_.front());
    jobs_.pop_front();
    if (job->progress == Progress::cancelled) continue;
    job->progress = Progress::running;
    return job;
  }
}

}  // namespace cb
