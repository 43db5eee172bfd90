// A Connection reads HTTP messages from a socket, and writes to it, each with a deadline. A second descriptor ends
// both: a program that stops waits neither for a silent client, nor for one that sends without a pause, nor for a hung
// upstream. It does not own the socket. Not thread-safe. Errors: reading and sending throw Broken, and reading Refused,
// too.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>

#include "distributed_breaker/sidecar/http_message.hpp"

namespace cb {

constexpr size_t largest_head = 64 * 1024;
constexpr size_t largest_body = 8 * 1024 * 1024;

// No complete message can be read or written.
struct Broken : std::runtime_error {
  enum class Cause {
    closed,     // by the other side
    lost,       // a system call failed, with error_number
    timed_out,  // the deadline has passed
    stopped,    // this program stops
  };
  explicit Broken(Cause why, int number = 0);
  const Cause cause;
  const int error_number;
};

class Connection {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // stop_fd: readable once the program stops. Both descriptors outlive this.
  Connection(int socket, int stop_fd) : socket_(socket), stop_fd_(stop_fd) {}

  // False: the deadline has passed, the other side has closed, or `until_readable` is.
  bool wait_for_input(Time until, int until_readable);

  // A head with its empty line. Empty lines before it are skipped.
  std::string read_head(Time until);
  std::string read_body(const Framing& framing, Time until);

  // Reads what arrives meanwhile: a server may answer before it has read everything, and neither side must wait for
  // the other to read first.
  void send(std::string_view text, Time until);

  // Until the other side has closed, or the deadline has passed. A socket that is closed with unread input may take the
  // answer with it that was just sent.
  void discard_input(Time until);

  bool has_input() const { return begin_ < input_.size(); }
  bool is_idle() const;  // nothing has arrived, and the other side has not closed

 private:
  enum class Received { some, nothing, end };

  short wait(short events, Time until) const;
  Received receive_what_is_there();
  void receive(Time until);
  std::string_view unread() const { return std::string_view(input_).substr(begin_); }
  std::string take(size_t size);
  void append(std::string& body, uint64_t size, Time until);
  std::string read_line(size_t longest, Time until);
  std::string read_chunked(Time until);
  std::string read_to_end(Time until);

  const int socket_;
  const int stop_fd_;
  std::string input_;
  size_t begin_ = 0;  // of what has not been read
};

}  // namespace cb
