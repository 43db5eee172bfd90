// For tests: a page as the control room's server sees it, without a browser. A thread reads its events and combines
// them as a page does: a frame replaces everything at or after its from_ms.
#pragma once

#include <httplib.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

namespace load {

constexpr std::chrono::seconds page_patience{30};

class PageForTest {
 public:
  using json = nlohmann::ordered_json;

  explicit PageForTest(const std::string& url);  // http://127.0.0.1:8080/
  ~PageForTest() { leave(); }
  PageForTest(const PageForTest&) = delete;
  PageForTest& operator=(const PageForTest&) = delete;

  void look_on();  // starts to read events
  void leave();
  int answer() const { return answer_; }  // the status of /events, once has_ended()
  bool has_ended() const { return ended_; }

  // All frames combined; null before the first one.
  json picture() const;
  size_t frames() const;
  json first_frame() const;
  // Waits until the picture satisfies `what`; false if it does not within page_patience.
  bool sees(const std::function<bool(const json& picture)>& what) const;

  struct Answer {
    int status = 0;
    json body;
    httplib::Headers headers{};
  };
  Answer get(const std::string& path) const;
  Answer post(const std::string& path, const json& body) const { return post(path, body.dump(), own_headers()); }
  Answer post(const std::string& path, const std::string& body, const httplib::Headers& headers) const;
  httplib::Headers own_headers() const;  // as the page sends them

 private:
  void read(const std::string& data);
  void take(const json& frame);

  const std::string address_;  // http://127.0.0.1:8080
  std::string token_;
  httplib::Client events_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::string unread_;
  json picture_;
  json first_;
  size_t frames_ = 0;
  std::atomic<int> answer_ = 0;
  std::atomic<bool> ended_ = false;
  std::thread reader_;
};

}  // namespace load
