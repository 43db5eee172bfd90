#include "distributed_breaker/sidecar/sidecar.hpp"

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <functional>
#include <string_view>
#include <system_error>
#include <utility>

namespace cb {
namespace {

constexpr std::chrono::milliseconds grace{300};

constexpr std::string_view full_answer =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

// The library passes each accepted connection to enqueue(), in a function that calls process_and_close_socket().
struct OnTheAcceptingThread : httplib::TaskQueue {
  using Enqueued = decltype(std::declval<httplib::TaskQueue>().enqueue({}));  // void or bool, by the library's version

  Enqueued enqueue(std::function<void()> pass_socket) override {
    pass_socket();
    return Enqueued(true);
  }
  void shutdown() override {}
};

// The request is not read: it may still be on its way.
void refuse(int socket) {
  [[maybe_unused]] const auto sent = send(socket, full_answer.data(), full_answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  shutdown(socket, SHUT_WR);
  close(socket);
}

}  // namespace

Sidecar::Sidecar(SidecarParts parts) : HttpServer(1), parts_(std::move(parts)) {
  new_task_queue = [] { return new OnTheAcceptingThread; };  // the library deletes it
}

Sidecar::~Sidecar() {
  stop_within(std::chrono::seconds(10));
  stop_idle_.notify();
  {
    std::unique_lock lock(mutex_);
    one_is_done_.wait_for(lock, grace, [this] { return running_ == 0; });
  }
  stop_running_.notify();
}

bool Sidecar::process_and_close_socket(socket_t socket) {
  clients_.remove_if([](const Client& client) { return client.is_done.load(); });
  if (clients_.size() >= most_clients || !start_client(socket)) refuse(socket);
  return true;
}

// False: the system has no thread for it.
bool Sidecar::start_client(int socket) {
  Client& client = clients_.emplace_back();
  const std::scoped_lock lock(mutex_);
  try {
    client.thread = std::jthread([this, socket, &client] { serve(socket, client); });
  } catch (const std::system_error&) {
    clients_.pop_back();
    return false;
  }
  ++running_;
  return true;
}

void Sidecar::serve(int socket, Client& client) {
  try {
    ClientSession(parts_, socket, {stop_idle_.fd(), stop_running_.fd()}).serve();
  } catch (const std::exception& error) {
    spdlog::error("a client of the sidecar: {}", error.what());
  }
  close(socket);
  client.is_done = true;
  const std::scoped_lock lock(mutex_);
  --running_;
  one_is_done_.notify_all();
}

}  // namespace cb
