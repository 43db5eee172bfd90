#include "program/http/http_server.hpp"

#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <thread>

#include "program/address.hpp"

namespace program {
namespace {

constexpr int backlog = 1024;  // the library's 5 would make the sixth of a burst wait a second to repeat its SYN
constexpr size_t largest_request_body = 64 * 1024;
constexpr std::chrono::milliseconds poll_interval{50};
constexpr std::chrono::milliseconds grace{500};

// The library's default is SO_REUSEPORT, with which two servers would share a port without an error.
void reuse_address_only(socket_t socket) {
  const int yes = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
}

std::string host_in(const std::string& address) try {
  return parse_host(address);
} catch (const std::invalid_argument& error) {
  throw std::invalid_argument("listen: " + std::string(error.what()) +
                              "; write an address of this machine, without a port");
}

bool expects_body(const httplib::Request& request) {
  return request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
}

// The library checks a body's size against Content-Length only. It would read a body without that header, or a
// compressed one, to the end, however long it gets.
bool refuse_unbounded(const httplib::Request& request, httplib::Response& response) {
  if (request.has_header("Transfer-Encoding") || (expects_body(request) && !request.has_header("Content-Length"))) {
    answer_json(response, 411, R"({"error":"a body needs its length; send Content-Length"})");
    return true;
  }
  if (request.has_header("Content-Encoding")) {
    answer_json(response, 415, R"({"error":"a body must not be encoded; send it without Content-Encoding"})");
    return true;
  }
  return false;
}

}  // namespace

HttpServer::HttpServer(size_t workers) {
  new_task_queue = [workers] { return new httplib::ThreadPool(workers); };  // the library deletes it
  set_socket_options(reuse_address_only);
  set_keep_alive_max_count(1);
  set_keep_alive_timeout(1);
  set_payload_max_length(largest_request_body);
  set_read_timeout(std::chrono::seconds(1));  // also how long the library waits for a PUT without body and length
  set_tcp_nodelay(true);
  set_pre_routing_handler(nullptr);
  set_exception_handler([](const httplib::Request& request, httplib::Response& response, std::exception_ptr thrown) {
    try {
      std::rethrow_exception(std::move(thrown));
    } catch (const std::exception& error) {
      spdlog::error("{} {}: {}", request.method, request.path, error.what());
    }
    answer_json(response, 500, R"({"error":"internal error; see the log"})");
  });
}

void HttpServer::set_pre_routing_handler(HandlerWithResponse handler) {
  Server::set_pre_routing_handler([handler = std::move(handler)](const auto& request, auto& response) {
    if (refuse_unbounded(request, response)) return HandlerResponse::Handled;
    return handler ? handler(request, response) : HandlerResponse::Unhandled;
  });
}

int HttpServer::bind(const std::string& address, int port) {
  const Endpoint wanted{host_in(address), port};
  errno = 0;
  const int bound = port == 0 ? bind_to_any_port(wanted.host) : (bind_to_port(wanted.host, port) ? port : -1);
  const int reason = errno;
  if (bound < 0) {
    throw std::runtime_error("cannot listen on " + wanted.to_text() + ": " +
                             (reason == 0 ? "no such address" : std::strerror(reason)) +
                             (reason == EADDRINUSE ? "; stop what uses it, or choose another with --port" : ""));
  }
  ::listen(svr_sock_, backlog);
  url_ = "http://" + Endpoint{wanted.host, bound}.to_text();
  return bound;
}

HttpServer::~HttpServer() {
  stop_accepting();
  if (server_.joinable()) server_.join();
}

// Accepted sockets inherit the option from the listening one.
void HttpServer::limit_unread(int bytes) { setsockopt(svr_sock_, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes); }

void HttpServer::serve_until(const StopSignal& stop, const std::string& name) {
  start();
  spdlog::info("{}: listening on {}", name, url_);
  while (!stop.requested() && !has_ended(poll_interval)) {
  }
  const bool was_requested = stop.requested();
  if (!stop_within(grace)) {
    spdlog::warn("{}: stopped, with requests still running", name);
    std::_Exit(0);
  }
  if (!was_requested) throw std::runtime_error(name + ": cannot accept more connections on " + url_);
  spdlog::info("{}: stopped", name);
}

void HttpServer::start() {
  std::promise<void> ended;
  ended_ = ended.get_future();
  server_ = std::thread([this, ended = std::move(ended)]() mutable {
    listen_after_bind();
    ended.set_value();
  });
  while (!is_running() && !has_ended()) std::this_thread::yield();
}

bool HttpServer::has_ended(std::chrono::milliseconds wait) const {
  return ended_.wait_for(wait) == std::future_status::ready;
}

void HttpServer::stop_accepting() {
  if (svr_sock_ != INVALID_SOCKET) stop();  // the library must be stopped only once
}

bool HttpServer::stop_within(std::chrono::milliseconds grace) {
  stop_accepting();
  return has_ended(grace);
}

void answer_json(httplib::Response& response, int status, const std::string& body) {
  response.status = status;
  response.set_content(body + "\n", "application/json");
}

}  // namespace program
