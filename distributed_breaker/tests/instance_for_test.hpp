// Instances as real processes, and an upstream whose answer a test sets.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "program/http/http_client.hpp"
#include "program/http/http_server.hpp"
#include "program/processes/child_process.hpp"
#include "program/wait_until.hpp"

namespace cb {

// A string that threads share.
class SharedText {
 public:
  std::string get() const {
    const std::scoped_lock lock(mutex_);
    return text_;
  }
  void set(std::string text) {
    const std::scoped_lock lock(mutex_);
    text_ = std::move(text);
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;  // guarded by mutex_
};

class FakeUpstream {
 public:
  FakeUpstream() {
    body.set("{}");
    server_.Get("/data", [this](const httplib::Request& request, httplib::Response& response) {
      last_caller.set(request.get_header_value("X-Caller"));
      ++calls;
      // Reads latency_ms again and again: a test that sets it to 0 releases the waiting calls.
      for (int waited = 0; waited < latency_ms && !stopping_; waited += 5) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
      program::answer_json(response, status, body.get());
    });
    server_.Get("/health", [this](const httplib::Request& request, httplib::Response& response) {
      last_health_checker.set(request.get_header_value("X-Caller"));
      ++health_checks;
      program::answer_json(response, health_status, "{}");
    });
    server_.bind("127.0.0.1", 0);
    server_.start();
  }
  ~FakeUpstream() { stopping_ = true; }

  std::string url() const { return server_.url(); }

  std::atomic<int> status{200};
  std::atomic<int> latency_ms{0};
  std::atomic<int> calls{0};
  std::atomic<int> health_status{200};
  std::atomic<int> health_checks{0};
  SharedText body, last_caller, last_health_checker;

 private:
  std::atomic<bool> stopping_{false};
  program::HttpServer server_{32};  // last: its destructor waits for the handlers, which use the rest
};

class InstanceProcess {
 public:
  InstanceProcess(const std::string& binary, const std::string& upstream, std::vector<std::string> options = {})
      : process(command(binary, upstream, std::move(options))) {
    const std::string line = process.wait_for_line("listening on ");
    const size_t begin = line.find("http://");
    url = line.substr(begin, line.find('"', begin) - begin);  // a JSON log line goes on after the URL
  }

  struct Answer {
    int http_status;
    nlohmann::json body;
  };
  Answer get(const std::string& path) const { return send({.url = url + path}); }
  Answer call() const { return get("/call"); }
  Answer put(const std::string& path, const std::string& body) const {
    return send({.method = "PUT", .url = url + path, .headers = {"Content-Type: application/json"}, .body = body});
  }
  Answer override(const nlohmann::json& request, const std::string& query = "") const {
    return put("/breaker/override" + query, request.dump());
  }
  nlohmann::json status() const { return get("/status").body; }
  nlohmann::json breaker(const std::string& query = "") const { return get("/status" + query).body["breaker"]; }
  std::string state(const std::string& query = "") const { return breaker(query)["state"]; }

  program::ChildProcess process;
  std::string url;

 private:
  static Answer send(program::HttpRequest request) {
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

// Waits for a condition that other threads or processes make true; false if they do not.
inline bool happens(const auto& condition) { return program::wait_until(condition, std::chrono::seconds(20)); }

// A program that ended by itself.
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
