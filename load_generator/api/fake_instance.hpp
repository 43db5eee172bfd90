// For tests: an HTTP server on a free port, with the answers that a test gives it.
#pragma once

#include <string>
#include <thread>

#include "program/http/http_server.hpp"

namespace load {

class FakeInstance {
 public:
  explicit FakeInstance(size_t workers = 8) : server_(workers) {}
  ~FakeInstance() {
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }

  void on(const std::string& route, httplib::Server::Handler handler) { server_.Get(route, std::move(handler)); }
  void on(const std::string& route, const std::string& body) {
    on(route,
       [body](const httplib::Request&, httplib::Response& response) { response.set_content(body, "text/plain"); });
  }
  void on_put(const std::string& route, httplib::Server::Handler handler) { server_.Put(route, std::move(handler)); }

  // After the last on() and on_put().
  void start() {
    url_ = "http://127.0.0.1:" + std::to_string(server_.bind("127.0.0.1", 0));
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }

  const std::string& url() const { return url_; }

 private:
  program::HttpServer server_;
  std::string url_;
  std::thread thread_;
};

}  // namespace load
