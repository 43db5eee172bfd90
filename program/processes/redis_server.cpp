#include "program/processes/redis_server.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <list>
#include <stdexcept>
#include <system_error>

#include "program/wait_until.hpp"

namespace program {
namespace {

// A socket that holds a free port until it is closed.
class HeldPort {
 public:
  HeldPort() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    const bool bound = bind(socket_, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
                       getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length) == 0;
    port_ = bound ? ntohs(address.sin_port) : 0;
  }
  ~HeldPort() { close(socket_); }
  HeldPort(const HeldPort&) = delete;
  HeldPort& operator=(const HeldPort&) = delete;
  int port() const { return port_; }

 private:
  int socket_;
  int port_ = 0;
};

constexpr const char* is_ready = "Ready to accept connections";

}  // namespace

std::vector<int> free_ports(size_t count) {
  std::list<HeldPort> held;  // held together, so that no port is found twice
  std::vector<int> ports;
  while (ports.size() < count) {
    ports.push_back(held.emplace_back().port());
    if (ports.back() == 0) throw std::runtime_error("no free port on 127.0.0.1");
  }
  return ports;
}

void try_ports(const std::function<void()>& start) {
  for (int attempts_left = 5;; --attempts_left) {
    try {
      return start();
    } catch (const std::system_error&) {
      throw;
    } catch (const std::runtime_error&) {
      if (attempts_left == 0) throw;
    }
  }
}

ChildProcess launch_redis_server(int port, const std::vector<std::string>& options) {
  std::vector<std::string> command{"redis-server", "--port", std::to_string(port), "--bind", "127.0.0.1", "--save", "",
                                   "--appendonly", "no",     "--daemonize",        "no"};
  command.insert(command.end(), options.begin(), options.end());
  return ChildProcess(command);
}

ChildProcess start_redis_server(int port, const std::vector<std::string>& options) {
  ChildProcess server = launch_redis_server(port, options);
  server.wait_for_line(is_ready);
  return server;
}

std::string redis_cli(int port, const std::vector<std::string>& command) {
  std::vector<std::string> arguments{"redis-cli", "-h", "127.0.0.1", "-p", std::to_string(port)};
  arguments.insert(arguments.end(), command.begin(), command.end());
  ChildProcess cli(arguments);
  cli.wait(std::chrono::seconds(5));
  return cli.output();
}

void wait_until(const std::string& what, const std::function<bool()>& condition) {
  if (!wait_until(condition, std::chrono::seconds(20))) throw std::runtime_error("did not happen in time: " + what);
}

PrivateRedis::PrivateRedis() { start_on_free_port(); }

PrivateRedis::PrivateRedis(const Certificate& certificate, const std::vector<std::string>& options)
    : scheme_("rediss") {
  for (const auto& more : {certificate.redis_options(), options}) {
    options_.insert(options_.end(), more.begin(), more.end());
  }
  start_on_free_port();
}

PrivateRedis::~PrivateRedis() {
  if (process_) kill();
}

void PrivateRedis::start_on_free_port() {
  try_ports([this] {
    port_ = free_ports(1)[0];
    start();
  });
}

void PrivateRedis::launch() {
  if (process_) kill();
  std::vector<std::string> options = options_;
  if (scheme_ == "rediss") options.insert(options.end(), {"--port", "0", "--tls-port", std::to_string(port_)});
  process_.emplace(launch_redis_server(port_, options));
}

void PrivateRedis::start() {
  launch();
  process_->wait_for_line(is_ready);
}

void PrivateRedis::restart() { start(); }

void PrivateRedis::kill() {
  process_->send_signal(SIGKILL);
  process_->wait(std::chrono::seconds(5));
}

}  // namespace program
