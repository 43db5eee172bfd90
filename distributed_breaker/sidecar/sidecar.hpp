// A Sidecar is an instance as a reverse proxy of its upstream: what a client sends to its port is sent to the upstream,
// if the breaker permits it, and judged by the rules of GET /call. The instance's own routes are on another port, so
// they hide no path of the upstream.
// It listens with an HttpServer, whose reading and answering it replaces by sessions that forward bytes unchanged and
// keep connections open. A thread for each client, most_clients at once; another one gets a 503.
// Thread-safe: nothing but what HttpServer is. Its threads end in the destructor, within 300 ms for calls under way.
// Errors: bind() as HttpServer's.
#pragma once

#include <atomic>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>

#include "distributed_breaker/sidecar/client_session.hpp"
#include "program/http/http_server.hpp"
#include "program/wake_fd.hpp"

namespace cb {

class Sidecar : public program::HttpServer {
 public:
  static constexpr size_t most_clients = 512;

  explicit Sidecar(SidecarParts parts);
  ~Sidecar() override;

 private:
  struct Client {
    std::atomic<bool> is_done{false};
    std::jthread thread;
  };

  bool process_and_close_socket(socket_t socket) override;
  bool start_client(int socket);
  void serve(int socket, Client& client);

  const SidecarParts parts_;
  program::WakeFd stop_idle_, stop_running_;
  std::mutex mutex_;
  std::condition_variable one_is_done_;
  size_t running_ = 0;         // guarded by mutex_
  std::list<Client> clients_;  // of the accepting thread, and of the destructor after that one has ended
};

}  // namespace cb
