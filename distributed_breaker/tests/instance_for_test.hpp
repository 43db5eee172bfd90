// Instances as real processes, and an upstream whose answer a test sets.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "program/http/http_client.hpp"
#include "program/http/http_server.hpp"
#include "program/processes/child_process.hpp"

namespace cb {

class FakeUpstream {
 public:
  FakeUpstream() : server_(32), port_(server_.bind("127.0.0.1", 0)) {
    server_.Get("/data", [this](const httplib::Request& request, httplib::Response& response) {
      ++calls;
      {
        const std::scoped_lock lock(mutex_);
        last_caller_ = request.get_header_value("X-Caller");
      }
      // Looked at all the time: a test that sets it to 0 lets go the calls that wait.
      for (int waited = 0; waited < latency_ms && !stopping_; waited += 5) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
      program::answer_json(response, status, body());
    });
    server_.Get("/health", [this](const httplib::Request& request, httplib::Response& response) {
      {
        const std::scoped_lock lock(mutex_);
        last_health_checker_ = request.get_header_value("X-Caller");
      }
      ++health_checks;
      program::answer_json(response, health_status, "{}");
    });
    running_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~FakeUpstream() {
    stopping_ = true;
    server_.stop();
    running_.join();
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  std::atomic<int> status{200};
  std::atomic<int> latency_ms{0};
  std::atomic<int> calls{0};
  std::atomic<int> health_status{200};
  std::atomic<int> health_checks{0};
  std::string last_caller() const {
    const std::scoped_lock lock(mutex_);
    return last_caller_;
  }
  std::string last_health_checker() const {
    const std::scoped_lock lock(mutex_);
    return last_health_checker_;
  }
  void set_body(const std::string& body) {
    const std::scoped_lock lock(mutex_);
    body_ = body;
  }

 private:
  std::string body() const {
    const std::scoped_lock lock(mutex_);
    return body_;
  }

  program::HttpServer server_;
  int port_;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::string last_caller_;          // guarded by mutex_
  std::string last_health_checker_;  // guarded by mutex_
  std::string body_{"{}"};           // guarded by mutex_
  std::thread running_;
};

class InstanceProcess {
 public:
  InstanceProcess(const std::string& binary, const std::string& upstream, std::vector<std::string> options = {})
      : process(command(binary, upstream, std::move(options))) {
    const std::string line = process.wait_for_line("listening on ");
    const size_t begin = line.find("http://");
    url = line.substr(begin, line.find('"', begin) - begin);  // as JSON the line goes on
  }

  struct Answer {
    int http_status;
    nlohmann::json body;
  };
  Answer get(const std::string& path) const { return ask({.url = url + path}); }
  Answer call() const { return get("/call"); }
  Answer put(const std::string& path, const std::string& body) const {
    return ask({.method = "PUT", .url = url + path, .headers = {"Content-Type: application/json"}, .body = body});
  }
  Answer override(const nlohmann::json& order, const std::string& query = "") const {
    return put("/breaker/override" + query, order.dump());
  }
  nlohmann::json breaker(const std::string& query = "") const { return get("/status" + query).body["breaker"]; }
  std::string state(const std::string& query = "") const { return breaker(query)["state"]; }

  program::ChildProcess process;
  std::string url;

 private:
  static Answer ask(program::HttpRequest request) {
    request.timeout = std::chrono::seconds(30);
    const program::HttpReply reply = program::send(request);
    auto body = nlohmann::json::parse(reply.body, nullptr, false);
    if (!body.is_object()) body = nlohmann::json::object();  // no answer
    return {reply.status, std::move(body)};
  }
  static std::vector<std::string> command(const std::string& binary, const std::string& upstream,
                                          std::vector<std::string> options) {
    std::vector<std::string> all{std::string(LAB_BIN_DIR "/") + binary, "--port", "0", "--upstream", upstream};
    all.insert(all.end(), options.begin(), options.end());
    return all;
  }
};

// Waits for something that other threads or processes bring about; false where it does not come.
inline bool happens(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

// Runs a program that is expected to end by itself.
struct Ended {
  int exit_code;
  std::string output;
};

inline Ended run_to_end(const std::vector<std::string>& command) {
  program::ChildProcess process(command);
  const auto exit_code = process.wait(std::chrono::seconds(30));
  return {exit_code.value_or(-1), process.output()};
}

}  // namespace cb
