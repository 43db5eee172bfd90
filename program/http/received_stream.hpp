// A ReceivedStream is what cpp-httplib reads a received request from, and writes its reply to. Reading never waits.
// Which of its functions override one of the library's depends on the library's version.
#pragma once

#include <httplib.h>

#include <chrono>
#include <string>
#include <string_view>

namespace program {

class ReceivedStream : public httplib::Stream {
 public:
  // `write_timeout`: for each part of the reply that the client does not read.
  ReceivedStream(int socket, std::string_view request, std::chrono::milliseconds write_timeout)
      : socket_(socket), unread_(request), write_timeout_(write_timeout) {}

  // NOLINTBEGIN(modernize-use-override)
  bool is_readable() const { return !unread_.empty(); }
  bool wait_readable() const { return is_readable(); }
  bool is_writable() const;
  bool wait_writable() const { return is_writable(); }
  ssize_t read(char* data, size_t size);
  ssize_t write(const char* data, size_t size);
  void get_remote_ip_and_port(std::string& ip, int& port) const;
  void get_local_ip_and_port(std::string& ip, int& port) const;
  socket_t socket() const { return socket_; }
  time_t duration() const { return 0; }
  // NOLINTEND(modernize-use-override)

 private:
  const int socket_;
  std::string_view unread_;
  const std::chrono::milliseconds write_timeout_;
};

}  // namespace program
