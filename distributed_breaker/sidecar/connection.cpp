#include "distributed_breaker/sidecar/connection.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "program/local_cause.hpp"

namespace cb {
namespace {

using Cause = Broken::Cause;

constexpr size_t longest_chunk_line = 256;
constexpr size_t most_trailer_lines = 200;

std::string text_of(Cause cause, int error_number) {
  switch (cause) {
    case Cause::closed:
      return "the connection was closed before the message was complete";
    case Cause::lost:
      return program::errno_text(error_number);
    case Cause::timed_out:
      return "Timeout was reached";
    case Cause::stopped:
      return "this instance stops";
  }
  return "";
}

bool may_try_again() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

int milliseconds_until(Connection::Time until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
  return static_cast<int>(std::clamp<int64_t>(left, 0, 86'400'000));
}

// A line that ends in LF without CR: other parsers might see two lines, or one.
bool has_bare_newline(std::string_view text) {
  for (size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    if (at == 0 || text[at - 1] != '\r') return true;
  }
  return false;
}

Refused too_large_body() {
  return {413, "the body is too large; the limit is " + std::to_string(largest_body / 1024 / 1024) + " MiB"};
}

// "1a", perhaps with blanks and ";extension" after it.
uint64_t chunk_size_in(std::string_view line) {
  const std::string_view digits = line.substr(0, line.find_first_of("; \t"));
  const size_t after = line.find_first_not_of(" \t", digits.size());
  uint64_t size = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size, 16);
  const bool is_number = !digits.empty() && end == digits.data() + digits.size() && error == std::errc{};
  if (!is_number || (after != std::string_view::npos && line[after] != ';')) {
    throw Refused(400, "the size of a chunk is not valid");
  }
  return size;
}

}  // namespace

Broken::Broken(Cause why, int number) : std::runtime_error(text_of(why, number)), cause(why), error_number(number) {}

// The events that are there.
short Connection::wait(short events, Time until) const {
  std::array<pollfd, 2> descriptors{{{socket_, events, 0}, {stop_fd_, POLLIN, 0}}};
  const int ready = poll(descriptors.data(), descriptors.size(), milliseconds_until(until));
  if (ready < 0 && errno != EINTR) throw Broken(Cause::lost, errno);
  if (descriptors[1].revents != 0) throw Broken(Cause::stopped);
  if (ready == 0) throw Broken(Cause::timed_out);
  return ready < 0 ? short{0} : descriptors[0].revents;
}

bool Connection::wait_for_input(Time until, int until_readable) {
  if (has_input()) return true;
  std::array<pollfd, 2> descriptors{{{socket_, POLLIN, 0}, {until_readable, POLLIN, 0}}};
  const int ready = poll(descriptors.data(), descriptors.size(), milliseconds_until(until));
  if (ready <= 0 || descriptors[1].revents != 0) return false;
  try {
    receive(until);
  } catch (const Broken&) {
    return false;
  }
  return true;
}

Connection::Received Connection::receive_what_is_there() {
  if (begin_ == input_.size() || begin_ > largest_head) {
    input_.erase(0, begin_);
    begin_ = 0;
  }
  std::array<char, 64 * 1024> buffer;
  const ssize_t got = recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got == 0) return Received::end;
  if (got < 0 && !may_try_again()) throw Broken(Cause::lost, errno);
  if (got < 0) return Received::nothing;
  input_.append(buffer.data(), static_cast<size_t>(got));
  return Received::some;
}

// Waits even for what is there already: otherwise a stop would not end a peer that sends without a pause.
void Connection::receive(Time until) {
  for (;;) {
    wait(POLLIN, until);
    const Received received = receive_what_is_there();
    if (received == Received::end) throw Broken(Cause::closed);
    if (received == Received::some) return;
  }
}

std::string Connection::take(size_t size) {
  std::string taken = input_.substr(begin_, size);
  begin_ += size;
  return taken;
}

std::string Connection::read_head(Time until) {
  constexpr std::string_view end = "\r\n\r\n";
  size_t skipped = 0;  // empty lines before the head
  for (;;) {
    for (; unread().starts_with("\r\n"); skipped += 2) begin_ += 2;
    const size_t found = unread().find(end);
    const std::string_view head = unread().substr(0, found);
    if (has_bare_newline(head)) throw Refused(400, "a line must end in CR LF");
    if (skipped + head.size() > largest_head) throw Refused(431, "the head is longer than 64 KiB");
    if (found != std::string_view::npos) return take(found + end.size());
    receive(until);
  }
}

std::string Connection::read_body(const Framing& framing, Time until) {
  if (framing.kind == Framing::Kind::chunked) return read_chunked(until);
  if (framing.kind == Framing::Kind::until_close) return read_to_end(until);
  std::string body;
  append(body, framing.length, until);
  return body;
}

void Connection::append(std::string& body, uint64_t size, Time until) {
  if (size > largest_body - body.size()) throw too_large_body();
  while (size > 0) {
    if (!has_input()) receive(until);
    const auto part = std::min<uint64_t>(size, input_.size() - begin_);
    body.append(input_, begin_, part);
    begin_ += part;
    size -= part;
  }
}

std::string Connection::read_line(size_t longest, Time until) {
  for (;;) {
    const size_t end = unread().find("\r\n");
    const std::string_view line = unread().substr(0, end);
    if (line.size() > longest || has_bare_newline(line)) throw Refused(400, "a line of a chunked body is not valid");
    if (end != std::string_view::npos) {
      std::string taken = take(end);
      begin_ += 2;
      return taken;
    }
    receive(until);
  }
}

std::string Connection::read_chunked(Time until) {
  std::string body;
  while (const uint64_t size = chunk_size_in(read_line(longest_chunk_line, until))) {
    append(body, size, until);
    if (!read_line(longest_chunk_line, until).empty()) throw Refused(400, "a chunk is longer than its size says");
  }
  for (size_t lines = 0; !read_line(largest_head, until).empty(); ++lines) {  // the trailer is for this hop only
    if (lines == most_trailer_lines) throw Refused(431, "the trailer has more than 200 fields");
  }
  return body;
}

std::string Connection::read_to_end(Time until) {
  std::string body;
  for (;;) {
    append(body, input_.size() - begin_, until);
    try {
      receive(until);
    } catch (const Broken& broken) {
      if (broken.cause == Cause::closed) return body;
      throw;
    }
  }
}

void Connection::send(std::string_view text, Time until) {
  bool reads = true;  // until the other side has closed its half, after which it may still read
  while (!text.empty()) {
    const ssize_t sent = ::send(socket_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && !may_try_again()) throw Broken(Cause::lost, errno);
    text.remove_prefix(sent > 0 ? static_cast<size_t>(sent) : 0);
    if (text.empty()) return;
    reads = reads && input_.size() - begin_ < largest_head + largest_body;
    const short events = wait(reads ? POLLOUT | POLLIN : POLLOUT, until);
    if ((events & POLLIN) != 0) reads = receive_what_is_there() != Received::end;
  }
}

void Connection::discard_input(Time until) {
  try {
    while (std::chrono::steady_clock::now() < until) {
      input_.clear();
      begin_ = 0;
      receive(until);
    }
  } catch (const Broken&) {
  }
}

bool Connection::is_idle() const {
  char byte = 0;
  return !has_input() && recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && may_try_again();
}

}  // namespace cb
