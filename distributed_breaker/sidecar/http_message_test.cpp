#include "distributed_breaker/sidecar/http_message.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <random>
#include <string>
#include <vector>

#include "distributed_breaker/sidecar/connection.hpp"
#include "program/wake_fd.hpp"

using namespace cb;

namespace {

std::string request(const std::string& lines) { return "POST /a HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n"; }

// 0: it is accepted.
int status_of_refusal(const std::string& head) {
  try {
    (void)framing_of(parse_request(head));
    return 0;
  } catch (const Refused& refused) {
    return refused.status;
  }
}

std::string names(const Fields& fields) {
  std::string all;
  for (const Field& field : fields) all += field.name + " ";
  return all;
}

// Two connected sockets; what is written to the first arrives at `connection`.
class Wire {
 public:
  Wire() { REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends_.data()) == 0); }
  ~Wire() {
    for (const int end : ends_) close(end);
  }
  void write(const std::string& text) const {
    REQUIRE(::write(ends_[0], text.data(), text.size()) == std::ssize(text));
  }
  void end() const { shutdown(ends_[0], SHUT_WR); }
  int other_end() const { return ends_[1]; }

 private:
  std::array<int, 2> ends_{};
};

Connection::Time soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(10); }

std::string chunked(const std::string& text) {
  const Wire wire;
  const program::WakeFd stop;
  Connection connection(wire.other_end(), stop.fd());
  wire.write(text);
  wire.end();
  return connection.read_body({Framing::Kind::chunked}, soon());
}

}  // namespace

TEST_CASE("a request that two parsers could read differently is refused") {
  CHECK(status_of_refusal(request("Content-Length: 1\r\n")) == 0);
  CHECK(status_of_refusal(request("Transfer-Encoding: chunked\r\n")) == 0);
  for (const char* lines :
       {"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
        "Content-Length: 1\r\nContent-Length: 1\r\n", "Content-Length: 1, 1\r\n", "Content-Length: +1\r\n",
        "Content-Length: -1\r\n", "Content-Length: 0x1\r\n", "Content-Length: 1 1\r\n", "Content-Length:\r\n",
        "Content-Length: 18446744073709551616\r\n", "Content-Length : 1\r\n", " Content-Length: 1\r\n",
        "A: 1\r\n folded\r\n", "A: 1\r\n\tfolded\r\n", "A\r\n", ": 1\r\n", "A\xc3: 1\r\n", "Host: b\r\n"}) {
    CAPTURE(lines);
    CHECK(status_of_refusal(request(lines)) == 400);
  }
  CHECK(status_of_refusal(request("A: \001\r\n")) == 400);
  CHECK(status_of_refusal(request("A: b\rc\r\n")) == 400);
  CHECK(status_of_refusal(request("A: b\nc\r\n")) == 400);
  for (const char* lines : {"Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: xchunked\r\n",
                            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding:\r\n"}) {
    CAPTURE(lines);
    CHECK(status_of_refusal(request(lines)) == 501);
  }
}

TEST_CASE("a request line is a method, a path and a version that is understood") {
  CHECK(status_of_refusal("GET /a?b#c HTTP/1.1\r\nHost: a\r\n\r\n") == 0);
  CHECK(status_of_refusal("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n") == 0);
  CHECK(status_of_refusal("GET / HTTP/1.0\r\n\r\n") == 0);
  CHECK(status_of_refusal("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") == 400);
  CHECK(status_of_refusal("GET / HTTP/2.0\r\nHost: a\r\n\r\n") == 505);
  for (const char* line :
       {"GET / HTTP/1.1 x", "GET  / HTTP/1.1", "GET /a b HTTP/1.1", " GET / HTTP/1.1", "GET /", "G(T / HTTP/1.1",
        "GET http://a/ HTTP/1.1", "CONNECT a:80 HTTP/1.1", "GET /\x7f HTTP/1.1", "GET /\xc3\xa9 HTTP/1.1", "GET"}) {
    CAPTURE(line);
    const int status = status_of_refusal(std::string(line) + "\r\nHost: a\r\n\r\n");
    CHECK((status == 400 || status == 505));
  }
  CHECK(status_of_refusal("GET / HTTP/1.1\r\n\r\n") == 400);
}

TEST_CASE("fields for one hop are removed, and those that Connection names, but none that the upstream relies on") {
  const RequestHead head =
      parse_request(request("Connection: close, X-Hop , cookie\r\nCONNECTION: x-other\r\nX-Hop: 1\r\n"
                            "Keep-Alive: 1\r\nTE: trailers\r\nTrailer: A\r\nUpgrade: a\r\nCookie: 1\r\n"
                            "x-OTHER: 1\r\nProxy-Authorization: 1\r\nProxy-Connection: 1\r\nA: 1\r\n"));
  CHECK(names(end_to_end(head.fields, {})) == "Host Cookie A ");
  CHECK(names(end_to_end(head.fields, {"host"})) == "Cookie A ");
  CHECK(wants_close(head.fields));
}

TEST_CASE("a chunked body is read to its last byte, and refused if its sizes are not exact") {
  CHECK(chunked("5\r\nhello\r\n00A;x=\"y\"\r\nit is me!!\r\n0\r\nTrailer: 1\r\n\r\n").size() == 15);
  CHECK(chunked("0\r\n\r\n").empty());
  for (const char* text :
       {"\r\n", "g\r\n", "-1\r\n", "0x1\r\na\r\n", "1\r\nab\r\n0\r\n\r\n", "1\na\r\n0\r\n\r\n", "ffffffffffffffff\r\n",
        "10000000000000000\r\n", " 1\r\na\r\n0\r\n\r\n", "1 a\r\na\r\n0\r\n\r\n"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(chunked(text), Refused);
  }
  CHECK_THROWS_AS(chunked("5\r\nhell"), Broken);
  CHECK_THROWS_AS(chunked("0\r\n"), Broken);
}

TEST_CASE("random changes to a head, or random bytes, are parsed or refused, and nothing else") {
  std::mt19937_64 random(17);
  const std::string sound = request("Content-Length: 12\r\nConnection: close\r\nX-A: b\r\n");
  for (int round = 0; round < 20'000; ++round) {
    std::string text = sound;
    for (auto changes = random() % 6; changes > 0; --changes)
      text[random() % text.size()] = static_cast<char>(random());
    (void)status_of_refusal(text);
    try {
      (void)framing_of(parse_response(text), "GET");
    } catch (const Refused&) {
    }
  }
}

TEST_CASE("a wait ends at its deadline, and when the program stops") {
  const Wire wire;
  const program::WakeFd stop;
  Connection connection(wire.other_end(), stop.fd());
  const auto cause = [&](Connection::Time until) {
    try {
      (void)connection.read_head(until);
    } catch (const Broken& broken) {
      return broken.cause;
    }
    return Broken::Cause::closed;
  };
  CHECK(cause(std::chrono::steady_clock::now()) == Broken::Cause::timed_out);
  stop.notify();
  CHECK(cause(soon()) == Broken::Cause::stopped);
}
