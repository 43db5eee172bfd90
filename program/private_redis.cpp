#include "program/private_redis.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace program {
namespace {

// Redis cannot take "any free port", so we look for one; another program may take it before Redis does.
int free_port() {
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  const bool bound = bind(probe, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
                     getsockname(probe, reinterpret_cast<sockaddr*>(&address), &length) == 0;
  close(probe);
  if (!bound) throw std::runtime_error("no free port on 127.0.0.1");
  return ntohs(address.sin_port);
}

}  // namespace

PrivateRedis::PrivateRedis() : port_(0) {
  for (int attempts_left = 5;; --attempts_left) {
    port_ = free_port();
    try {
      start();
      return;
    } catch (const std::system_error&) {
      throw;  // no redis-server: another port will not help
    } catch (const std::runtime_error&) {
      if (attempts_left == 0) throw;
    }
  }
}

void PrivateRedis::start() {
  process_.emplace(std::vector<std::string>{"redis-server", "--port", std::to_string(port_), "--bind", "127.0.0.1",
                                            "--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", "/"});
  process_->wait_for_line("Ready to accept connections");
}

void PrivateRedis::restart() {
  process_->send_signal(SIGKILL);
  process_->wait(std::chrono::seconds(5));
  start();
}

}  // namespace program
