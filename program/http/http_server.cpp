#include "program/http/http_server.hpp"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "program/address.hpp"
#include "program/http/received_stream.hpp"
#include "program/http/request_receiver.hpp"

namespace program {
namespace {

constexpr int backlog = 1024;  // the library's 5 would make the sixth of a burst wait a second to repeat its SYN
constexpr size_t largest_request_body = 64 * 1024;
constexpr std::chrono::milliseconds poll_interval{50};
constexpr std::chrono::milliseconds grace{500};
constexpr std::chrono::milliseconds longest_end{LAB_LONGEST_END_MS};  // of the second that a program has for it

// The library's default is SO_REUSEPORT, with which two servers would share a port without an error.
void reuse_address_only(socket_t socket) {
  const int yes = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
}

std::string host_in(const std::string& address) try {
  return cb::net::parse_host(address);
} catch (const std::invalid_argument& error) {
  throw std::invalid_argument("listen: " + std::string(error.what()) +
                              "; write an address of this machine, without a port");
}

bool expects_body(const httplib::Request& request) {
  return request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
}

std::optional<std::string> fault_of_length(const httplib::Request& request) {
  const size_t lengths = request.get_header_value_count("Content-Length");
  if (request.has_header("Transfer-Encoding") || (expects_body(request) && lengths == 0)) {
    return "a body needs its length; send Content-Length";
  }
  const std::string length = request.get_header_value("Content-Length");
  const bool is_number = length.find_first_not_of("0123456789") == std::string::npos;
  if (lengths > 1 || !is_number || (lengths == 1 && length.empty())) return "Content-Length must be one whole number";
  return std::nullopt;
}

// The library checks a body's size against Content-Length only. It would read a body without that header, or a
// compressed one, to the end, however long it gets.
bool refuse_unbounded(const httplib::Request& request, httplib::Response& response) {
  if (const auto fault = fault_of_length(request)) {
    answer_json(response, 411, R"({"error":")" + *fault + R"("})");
    return true;
  }
  if (request.has_header("Content-Encoding")) {
    answer_json(response, 415, R"({"error":"a body must not be encoded; send it without Content-Encoding"})");
    return true;
  }
  return false;
}

constexpr size_t reserved_workers = 8;

thread_local int served_socket = -1;  // of the client that this worker answers

std::string why_refused(int status, size_t largest_body) {
  if (status == 404) return "there is no such route";
  if (status == 413) return "the body is too large; the limit is " + std::to_string(largest_body / 1024) + " KiB";
  if (status == 414) return "the URL is too long";
  return "the request was not understood";
}

using Setup = std::function<void(httplib::Request&)>;
using Text = const std::string&;

bool process(httplib::Server& server, bool (httplib::Server::*function)(httplib::Stream&, bool, bool&, const Setup&),
             ReceivedStream& stream) {
  bool closes = true;
  return (server.*function)(stream, true, closes, nullptr);
}

// Newer versions of the library want the addresses.
template <class... More>
bool process(httplib::Server& server,
             bool (httplib::Server::*function)(httplib::Stream&, Text, int, Text, int, bool, bool&, const Setup&,
                                               More...),
             ReceivedStream& stream) {
  bool closes = true;
  std::string remote, local;
  int remote_port = 0, local_port = 0;
  stream.get_remote_ip_and_port(remote, remote_port);
  stream.get_local_ip_and_port(local, local_port);
  return (server.*function)(stream, remote, remote_port, local, local_port, true, closes, nullptr, More{}...);
}

// What the caller of serve_until() destroys then may wait for another server, such as a Redis that hangs.
void end_program_at(std::chrono::steady_clock::time_point time) {
  using std::chrono::microseconds;
  std::signal(SIGALRM, [](int) { std::_Exit(0); });
  const auto left = std::chrono::duration_cast<microseconds>(time - std::chrono::steady_clock::now());
  const auto wait = std::lldiv(std::max(microseconds(1), left).count(), 1'000'000);
  const itimerval timer{{}, {wait.quot, wait.rem}};
  setitimer(ITIMER_REAL, &timer, nullptr);
}

}  // namespace

// The library calls enqueue() for each connection that it accepts, with a function that only calls
// process_and_close_socket(). That one passes the socket to receive().
class HttpServer::Connections : public httplib::TaskQueue {
  using Enqueued = decltype(std::declval<httplib::TaskQueue>().enqueue({}));  // void or bool, by the library's version

 public:
  Connections(HttpServer& server, size_t workers)
      : server_(server),
        workers_(workers),
        reserved_(server.reserved_paths_.empty() ? 0 : reserved_workers),
        receiver_({server.payload_max_length_, server.request_time_}, [this](const auto& client) { deliver(client); }) {
  }

  Enqueued enqueue(std::function<void()> pass_socket) override {
    pass_socket();
    return Enqueued(true);
  }
  void receive(int socket) { receiver_.receive(socket); }
  void shutdown() override {
    receiver_.stop();
    workers_.shutdown();
    reserved_.shutdown();
  }

 private:
  void deliver(const RequestReceiver::Client& client) {
    const auto& paths = server_.reserved_paths_;
    const bool is_reserved = client->head && std::find(paths.begin(), paths.end(), client->head->path) != paths.end();
    (is_reserved ? reserved_ : workers_).enqueue([this, client] {
      server_.answer(client);
      receiver_.close(client);
    });
  }

  HttpServer& server_;
  httplib::ThreadPool workers_, reserved_;
  RequestReceiver receiver_;  // last: its thread uses the others
};

HttpServer::HttpServer(size_t workers) {
  new_task_queue = [this, workers] {
    return connections_ = new Connections(*this, workers);
  };  // the library deletes it
  set_socket_options(reuse_address_only);
  set_keep_alive_max_count(1);
  set_payload_max_length(largest_request_body);
  set_tcp_nodelay(true);
  set_pre_routing_handler(nullptr);
  set_error_handler([this](const httplib::Request&, httplib::Response& response) {
    if (!response.body.empty()) return;
    const nlohmann::json body{{"error", why_refused(response.status, payload_max_length_)}};
    answer_json(response, response.status, body.dump());
  });
  set_exception_handler([](const httplib::Request& request, httplib::Response& response, std::exception_ptr thrown) {
    try {
      std::rethrow_exception(std::move(thrown));
    } catch (const std::exception& error) {
      spdlog::error("{} {}: {}", request.method, request.path, error.what());
    }
    answer_json(response, 500, R"({"error":"internal error; see the log"})");
  });
}

bool HttpServer::process_and_close_socket(socket_t socket) {
  connections_->receive(socket);
  return true;
}

void HttpServer::answer(const std::shared_ptr<ClientConnection>& client) {
  const auto write_timeout = std::chrono::seconds(write_timeout_sec_) + std::chrono::microseconds(write_timeout_usec_);
  ReceivedStream stream(client->socket, client->request(),
                        std::chrono::duration_cast<std::chrono::milliseconds>(write_timeout));
  served_socket = client->socket;
  process(*this, &HttpServer::process_request, stream);
  served_socket = -1;
}

bool HttpServer::client_has_left() {
  pollfd descriptor{served_socket, POLLRDHUP, 0};
  return poll(&descriptor, 1, 0) != 0;
}

void HttpServer::set_pre_routing_handler(HandlerWithResponse handler) {
  Server::set_pre_routing_handler([handler = std::move(handler)](const auto& request, auto& response) {
    if (refuse_unbounded(request, response)) return HandlerResponse::Handled;
    return handler ? handler(request, response) : HandlerResponse::Unhandled;
  });
}

int HttpServer::bind(const std::string& address, int port) {
  const cb::net::Endpoint wanted{host_in(address), port};
  errno = 0;
  const int bound = port == 0 ? bind_to_any_port(wanted.host) : (bind_to_port(wanted.host, port) ? port : -1);
  const int reason = errno;
  if (bound < 0) {
    throw std::runtime_error("cannot listen on " + wanted.to_text() + ": " +
                             (reason == 0 ? "no such address" : std::strerror(reason)) +
                             (reason == EADDRINUSE ? "; stop what uses it, or choose another with --port" : ""));
  }
  ::listen(svr_sock_, backlog);
  url_ = "http://" + cb::net::Endpoint{wanted.host, bound}.to_text();
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
  const auto began = std::chrono::steady_clock::now();
  if (!stop_within(grace)) {
    spdlog::warn("{}: stopped, with requests still running", name);
    std::_Exit(0);
  }
  if (!was_requested) throw std::runtime_error(name + ": cannot accept more connections on " + url_);
  spdlog::info("{}: stopped", name);
  end_program_at(began + longest_end);
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
  return !ended_.valid() || ended_.wait_for(wait) == std::future_status::ready;
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
