#include "program/http/request_receiver.hpp"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <vector>

namespace program {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t largest_head = 32 * 1024;
constexpr size_t most_discarded = 64 * 1024 * 1024;
constexpr std::chrono::seconds longest_close{30};
constexpr int tick_ms = 100;

constexpr std::string_view continue_reply = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::string_view timeout_reply =
    "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 47\r\n\r\n"
    "{\"error\":\"the request did not arrive in time\"}\n";

int make_epoll() {
  const int descriptor = epoll_create1(EPOLL_CLOEXEC);
  if (descriptor < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  return descriptor;
}

// Half of the descriptors that this process may have: the rest is for requests being answered, and for their calls.
size_t most_that_wait() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return std::clamp<size_t>(limit.rlim_cur / 2, 16, 4096);
}

bool may_try_again() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

// These replies are short, and the first ones on their connections: the system has room for them.
void send_short(int socket, std::string_view reply) {
  [[maybe_unused]] const auto sent = ::send(socket, reply.data(), reply.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

bool has_unread(int socket) {
  char byte = 0;
  return recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

// True if the connection can be closed.
bool discard_input(ClientConnection& client) {
  std::array<char, 64 * 1024> buffer;
  const ssize_t got = recv(client.socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got < 0) return !may_try_again();
  client.discarded += static_cast<size_t>(got);
  return got == 0 || client.discarded > most_discarded;
}

}  // namespace

ClientConnection::~ClientConnection() { ::close(socket); }

bool ClientConnection::has_whole_request() const {
  return head && head->body && input.size() >= head->size && input.size() - head->size >= *head->body;
}

std::string_view ClientConnection::request() const {
  const std::string_view all = input;
  return has_whole_request() ? all.substr(0, head->size + *head->body) : all;
}

RequestReceiver::RequestReceiver(Limits limits, std::function<void(Client)> deliver)
    : limits_(limits), deliver_(std::move(deliver)), most_waiting_(most_that_wait()), epoll_(make_epoll()) {
  epoll_event event{.events = EPOLLIN, .data = {.fd = stopping_.fd()}};
  epoll_ctl(epoll_, EPOLL_CTL_ADD, stopping_.fd(), &event);
  thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
}

RequestReceiver::~RequestReceiver() {
  stop();
  ::close(epoll_);
}

void RequestReceiver::stop() {
  thread_.request_stop();
  stopping_.notify();
  if (thread_.joinable()) thread_.join();
  const std::scoped_lock lock(mutex_);
  stopped_ = true;
  waiting_.clear();
}

// Most requests are there as soon as their connection is.
void RequestReceiver::receive(int socket) {
  const auto client = std::make_shared<ClientConnection>(socket);
  client->until = Clock::now() + limits_.request_time;
  if (!read(*client)) return wait_for(client);
  if (!client->input.empty()) deliver_(client);
}

void RequestReceiver::close(const Client& client) {
  if (client->has_whole_request() && !has_unread(client->socket)) return;
  shutdown(client->socket, SHUT_WR);
  client->is_closing = true;
  client->until = Clock::now() + longest_close;
  wait_for(client);
}

void RequestReceiver::wait_for(const Client& client) {
  const std::scoped_lock lock(mutex_);
  if (stopped_) return;
  if (waiting_.size() >= most_waiting_) forget_oldest();
  epoll_event event{.events = EPOLLIN, .data = {.fd = client->socket}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, client->socket, &event) == 0) waiting_.emplace(client->socket, client);
}

void RequestReceiver::forget_oldest() {
  const auto oldest = std::min_element(waiting_.begin(), waiting_.end(), [](const auto& one, const auto& other) {
    return one.second->until < other.second->until;
  });
  epoll_ctl(epoll_, EPOLL_CTL_DEL, oldest->first, nullptr);
  waiting_.erase(oldest);
}

// False: it is not among those that wait any more.
bool RequestReceiver::forget(const Client& client) {
  const std::scoped_lock lock(mutex_);
  const auto found = waiting_.find(client->socket);
  if (found == waiting_.end() || found->second != client) return false;
  epoll_ctl(epoll_, EPOLL_CTL_DEL, client->socket, nullptr);
  waiting_.erase(found);
  return true;
}

void RequestReceiver::work(const std::stop_token& stop) {
  std::array<epoll_event, 64> events;
  auto next_check = Clock::now();
  while (!stop.stop_requested()) {
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), tick_ms);
    for (int i = 0; i < count; ++i) advance(events[static_cast<size_t>(i)].data.fd);
    if (Clock::now() < next_check) continue;
    expire();
    next_check = Clock::now() + std::chrono::milliseconds(tick_ms);
  }
}

void RequestReceiver::advance(int socket) {
  Client client;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = waiting_.find(socket);
    if (found == waiting_.end()) return;
    client = found->second;
  }
  const bool is_done = client->is_closing ? discard_input(*client) : read(*client);
  if (!is_done || !forget(client)) return;
  if (!client->is_closing && !client->input.empty()) deliver_(client);
}

bool RequestReceiver::read(ClientConnection& client) const {
  std::array<char, 16 * 1024> buffer;
  while (!is_decided(client)) {
    const ssize_t got = recv(client.socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && may_try_again()) return false;
    if (got < 0) client.input.clear();  // the connection is lost
    if (got <= 0) return true;
    add(client, {buffer.data(), static_cast<size_t>(got)});
  }
  return true;
}

bool RequestReceiver::is_decided(const ClientConnection& client) const {
  if (!client.head) return client.input.size() > largest_head;
  return !client.head->body || *client.head->body > limits_.body || client.has_whole_request();
}

void RequestReceiver::add(ClientConnection& client, std::string_view part) const {
  const bool had_head = client.head.has_value();
  client.input += part;
  if (had_head) return;
  client.head = find_head(client.input);
  if (client.head && client.head->expects_continue && !is_decided(client)) send_short(client.socket, continue_reply);
}

void RequestReceiver::expire() {
  std::vector<Client> expired;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [socket, client] : waiting_) {
      if (client->until <= Clock::now()) expired.push_back(client);
    }
  }
  for (const Client& client : expired) {
    if (!forget(client) || client->is_closing || client->input.empty()) continue;
    send_short(client->socket, timeout_reply);
    close(client);
  }
}

}  // namespace program
