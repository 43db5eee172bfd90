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

constexpr size_t largest_body = 1024 * 1024;
constexpr int longest_wait_ms = 1000;

program::HttpReply reply_of(CURL* curl, CURLcode code, std::string body) {
  program::HttpReply reply;
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  reply.body = std::move(body);
  reply.timed_out = code == CURLE_OPERATION_TIMEDOUT;
  if (code == CURLE_OK) {
    reply.status = static_cast<int>(status);
  } else {
    reply.error = curl_easy_strerror(code);
  }
  return reply;
}

}  // namespace

HttpLoop::HttpLoop() {
  [[maybe_unused]] static const auto initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (timer_ < 0) throw std::system_error(errno, std::generic_category(), "timerfd");
  multi_ = curl_multi_init();
  headers_ = curl_slist_append(nullptr, "Connection: close");
  if (multi_ == nullptr || headers_ == nullptr) throw std::runtime_error("out of memory for HTTP requests");
}

HttpLoop::~HttpLoop() {
  abandon();
  curl_multi_cleanup(multi_);
  curl_slist_free_all(headers_);
  close(timer_);
}

size_t HttpLoop::append(const char* data, size_t size, size_t count, void* transfer) {
  std::string& body = static_cast<Transfer*>(transfer)->body;
  if (body.size() + size * count > largest_body) return 0;  // ends the transfer with an error
  body.append(data, size * count);
  return size * count;
}

void HttpLoop::get(const std::string& url, std::chrono::milliseconds timeout, Done done) {
  CURL* curl = curl_easy_init();
  if (curl == nullptr) throw std::runtime_error("out of memory for an HTTP request");
  auto transfer = std::make_unique<Transfer>(Transfer{{}, std::move(done)});
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
#if LIBCURL_VERSION_NUM >= 0x075700
  curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);  // does not wait for a name server that hangs
#endif
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers_);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &HttpLoop::append);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer.get());
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
  for (const auto& [curl, transfer] : transfers_) {
    curl_multi_remove_handle(multi_, curl);
    curl_easy_cleanup(curl);
  }
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
    const program::HttpReply reply = reply_of(curl, code, std::move(transfer->body));
    curl_easy_cleanup(curl);
    transfer->done(reply);
  }
}

}  // namespace load
