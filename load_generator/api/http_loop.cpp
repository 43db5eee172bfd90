#include "load_generator/api/http_loop.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace load {
namespace {

constexpr int longest_wait_ms = 1000;

}  // namespace

HttpLoop::HttpLoop() {
  [[maybe_unused]] static const auto initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (timer_ < 0) throw std::system_error(errno, std::generic_category(), "timerfd");
  multi_ = curl_multi_init();
  if (multi_ == nullptr) throw std::runtime_error("out of memory for HTTP requests");
}

HttpLoop::~HttpLoop() {
  abandon();
  curl_multi_cleanup(multi_);
  close(timer_);
}

void HttpLoop::get(const std::string& url, std::chrono::milliseconds timeout, Done done) {
  const program::HttpRequest request{.url = url, .timeout = timeout};
  auto transfer = std::make_unique<Transfer>(request, std::move(done));
  CURL* curl = transfer->request.handle();
  transfers_.emplace(curl, std::move(transfer));
  curl_multi_add_handle(multi_, curl);
}

void HttpLoop::wait_until(Clock::time_point deadline, int wake_fd) {
  arm_timer(deadline);
  std::array<curl_waitfd, 2> also{{{timer_, CURL_WAIT_POLLIN, 0}, {wake_fd, CURL_WAIT_POLLIN, 0}}};
  int running = 0;
  curl_multi_perform(multi_, &running);  // sends what get() has just added, before the wait
  deliver();
  curl_multi_poll(multi_, also.data(), also.size(), longest_wait_ms, nullptr);
  curl_multi_perform(multi_, &running);
  deliver();
}

void HttpLoop::abandon() {
  for (const auto& [curl, transfer] : transfers_) curl_multi_remove_handle(multi_, curl);
  transfers_.clear();
}

void HttpLoop::arm_timer(Clock::time_point deadline) const {
  // All zeroes would switch the timer off; a deadline in the past fires at once.
  const auto due = std::max(deadline.time_since_epoch(), Clock::duration(1));
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(due);
  itimerspec when{};
  when.it_value.tv_sec = seconds.count();
  when.it_value.tv_nsec = std::chrono::nanoseconds(due - seconds).count();
  timerfd_settime(timer_, TFD_TIMER_ABSTIME, &when, nullptr);
}

void HttpLoop::deliver() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    CURL* curl = message->easy_handle;
    const CURLcode code = message->data.result;
    const auto transfer = std::move(transfers_.extract(curl).mapped());
    curl_multi_remove_handle(multi_, curl);
    transfer->done(transfer->request.end(code));
  }
}

}  // namespace load
