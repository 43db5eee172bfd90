// What clients that are slow, rude or half gone may do to a server, and what they get.
#include "program/http/http_server.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <list>
#include <string>
#include <thread>

#include "program/http/http_client.hpp"
#include "program/http/request_head.hpp"
#include "program/wait_until.hpp"

using namespace program;
using namespace std::chrono_literals;

namespace {

// A connection on which a test sends any bytes, in any order.
class RawClient {
 public:
  explicit RawClient(const std::string& server_url) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(std::stoi(server_url.substr(server_url.rfind(':') + 1))));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  ~RawClient() { close(socket_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  // False: the server has reset the connection.
  bool send(const std::string& bytes) const {
    for (size_t sent = 0; sent < bytes.size();) {
      const auto count = ::send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) return false;
      sent += static_cast<size_t>(count);
    }
    return true;
  }
  void half_close() const { shutdown(socket_, SHUT_WR); }
  void wait_for_reply() const {
    pollfd descriptor{socket_, POLLIN, 0};
    REQUIRE(poll(&descriptor, 1, 30'000) == 1);
  }
  bool has_reply() const {
    pollfd descriptor{socket_, POLLIN, 0};
    return poll(&descriptor, 1, 0) == 1;
  }
  // Everything until the server closes its side; "reset" if the connection is lost.
  std::string reply() const {
    std::string reply;
    char part[4096];
    while (true) {
      const ssize_t got = recv(socket_, part, sizeof part, 0);
      if (got < 0) return "reset";
      if (got == 0) return reply;
      reply.append(part, static_cast<size_t>(got));
    }
  }

 private:
  const int socket_;
};

struct PlainServer {
  explicit PlainServer(size_t workers) : server(workers) {
    server.Get("/", [](const auto&, auto& response) { answer_json(response, 200, "{}"); });
    server.Put("/", [](const auto& request, auto& response) { answer_json(response, 200, request.body); });
    server.Get("/wait", [this](const auto&, auto& response) {
      ++waiting;
      wait_until([this] { return released.load(); }, 30s);
      answer_json(response, 200, "{}");
    });
    server.bind("127.0.0.1", 0);
  }
  ~PlainServer() { released = true; }
  std::string url(const std::string& path = "/") const { return server.url() + path; }

  std::atomic<int> waiting{0};
  std::atomic<bool> released{false};
  HttpServer server;
};

// Containers often have no IPv6.
bool has_ipv6() try {
  HttpServer(1).bind("::1", 0);
  return true;
} catch (const std::runtime_error&) {
  return false;
}

const std::string put_head = "PUT / HTTP/1.1\r\nHost: a\r\n";

}  // namespace

TEST_CASE("no worker is used for a client before its whole request has arrived") {
  PlainServer served(1);
  served.server.limit_request_time(10min);
  served.server.start();
  std::list<RawClient> slow;
  for (const std::string part :
       {"", "G", "GET / HTTP/1.1\r\nHost: a\r\n", "PUT / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell"}) {
    for (int i = 0; i < 70; ++i) {
      slow.emplace_back(served.server.url());
      slow.back().send(part);
    }
  }
  CHECK(send({.url = served.url(), .timeout = 30s}).status == 200);
  for (const RawClient& client : slow) CHECK_FALSE(client.has_reply());  // nor has any of them been sent away for that
  slow.back().send("o");
  CHECK(slow.back().reply().find("\r\n\r\nhello\n") != std::string::npos);
}

TEST_CASE("a request that trickles in has one time limit for all of it, and is answered with 408") {
  for (const std::string& start : {std::string("GET / HTTP/1.1\r\n"), put_head + "Content-Length: 50000\r\n\r\n"}) {
    PlainServer served(1);
    served.server.limit_request_time(100ms);
    served.server.start();
    const RawClient client(served.server.url());
    client.send(start);
    for (int i = 0; i < 3000 && !client.has_reply(); ++i) {
      client.send("x");
      std::this_thread::sleep_for(10ms);
    }
    const std::string reply = client.reply();
    CHECK(reply.rfind("HTTP/1.1 408 ", 0) == 0);
    CHECK(reply.ends_with("\r\n\r\n{\"error\":\"the request did not arrive in time\"}\n"));
    const RawClient silent(served.server.url());
    CHECK(silent.reply().empty());
  }
}

TEST_CASE("a refusal reaches a client that is still sending its body") {
  PlainServer served(4);
  served.server.start();
  const std::string chunk = "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
  const std::vector<std::pair<std::string, std::string>> refused{
      {put_head + "Transfer-Encoding: chunked\r\n\r\n", "411"},
      {put_head + "\r\n", "411"},
      {put_head + "Content-Length: 3000000\r\n\r\n", "413"},
      {put_head + "Content-Length: 3000000\r\nExpect: 100-continue\r\n\r\n", "413"},
      {put_head + "Content-Length: 99999999999999999999999\r\n\r\n", "413"},
      {put_head + "Content-Length: 3000000\r\nContent-Encoding: gzip\r\n\r\n", "415"},
      {"GET /none HTTP/1.1\r\nContent-Length: 3000000\r\n\r\n", "4"},  // 404, or 413 with a newer cpp-httplib
      {"GARBAGE\r\n\r\n", "400"},
      {put_head + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", "411"},
      {put_head + "Content-Length: 0x5\r\n\r\n", "411"}};
  for (const auto& each : refused) {
    const auto& head = each.first;
    const auto& status = each.second;
    CAPTURE(head);
    const RawClient client(served.server.url());
    CHECK(client.send(head + chunk));
    client.wait_for_reply();  // from now on the server could close
    for (int i = 0; i < 48; ++i) REQUIRE(client.send(chunk));
    const std::string reply = client.reply();
    CHECK(reply.find("HTTP/1.1 " + status) != std::string::npos);
    CHECK(reply.find("{\"error\":\"") != std::string::npos);
    client.half_close();
  }
}

TEST_CASE("a client that sends without end after a refusal is disconnected") {
  PlainServer served(1);
  served.server.start();
  const RawClient client(served.server.url());
  CHECK(client.send(put_head + "Transfer-Encoding: chunked\r\n\r\n"));
  const std::string part(1 << 20, 'x');
  int sent = 0;
  while (sent < 1000 && client.send(part)) ++sent;
  CHECK(sent < 1000);
}

TEST_CASE("a client that closes its side after the request gets its answer") {
  PlainServer served(2);
  served.server.Get("/stream", [](const auto&, auto& response) {
    response.set_content_provider(
        3, "text/plain", [](size_t offset, size_t, httplib::DataSink& sink) { return sink.write(&"abc"[offset], 1); });
  });
  served.server.start();
  for (const std::string path : {"/", "/wait", "/stream"}) {
    const RawClient client(served.server.url());
    client.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
    client.half_close();
    if (path == "/wait") CHECK(wait_until([&] { return served.waiting == 1; }, 30s));
    served.released = path == "/wait";
    CHECK(client.reply().rfind("HTTP/1.1 200 ", 0) == 0);
  }
  const RawClient early(served.server.url());
  early.send(put_head + "Content-Length: 5\r\n\r\nhell");
  early.half_close();
  CHECK(early.reply().rfind("HTTP/1.1 400 ", 0) == 0);
}

TEST_CASE("a client that waits for a 100 before it sends its body gets one") {
  PlainServer served(1);
  served.server.start();
  const RawClient client(served.server.url());
  client.send(put_head + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  client.wait_for_reply();
  client.send("hello");
  const std::string reply = client.reply();
  CHECK(reply.rfind("HTTP/1.1 100 Continue\r\n\r\n", 0) == 0);
  CHECK(reply.ends_with("\r\n\r\nhello\n"));
}

TEST_CASE("reserved paths are answered while all workers wait") {
  PlainServer served(2);
  served.server.Get("/status", [](const auto&, auto& response) { answer_json(response, 200, "{}"); });
  served.server.reserve_workers_for({"/status"});
  served.server.start();
  std::vector<std::jthread> callers;
  std::atomic<int> answered{0};
  for (int i = 0; i < 6; ++i) {
    callers.emplace_back([&] { answered += send({.url = served.url("/wait"), .timeout = 60s}).status == 200 ? 1 : 0; });
  }
  REQUIRE(wait_until([&] { return served.waiting == 2; }, 30s));
  CHECK(send({.url = served.url("/status"), .timeout = 30s}).status == 200);
  CHECK(send({.url = served.url("/status?tenant=a"), .timeout = 30s}).status == 200);
  CHECK(answered == 0);
  served.released = true;
  callers.clear();
  CHECK(answered == 6);
}

TEST_CASE("a handler notices that its client has left") {
  PlainServer served(1);
  std::atomic<bool> began{false}, has_left{false};
  served.server.Get("/hang", [&](const auto&, auto&) {
    began = true;
    has_left = wait_until([] { return HttpServer::client_has_left(); }, 30s);
  });
  served.server.start();
  {
    const RawClient client(served.server.url());
    client.send("GET /hang HTTP/1.1\r\n\r\n");
    REQUIRE(wait_until([&] { return began.load(); }, 30s));
    CHECK_FALSE(has_left);
  }
  CHECK(wait_until([&] { return has_left.load(); }, 30s));
}

TEST_CASE("every refusal of the server has a body that says why") {
  PlainServer served(1);
  served.server.start();
  const HttpReply missing = send({.url = served.url("/none")});
  CHECK(missing.status == 404);
  CHECK(missing.body == "{\"error\":\"there is no such route\"}\n");
  const HttpReply large = send({.method = "PUT", .url = served.url(), .body = std::string(100'000, 'x')});
  CHECK(large.status == 413);
  CHECK(large.body == "{\"error\":\"the body is too large; the limit is 64 KiB\"}\n");
  CHECK(send({.url = served.url("/" + std::string(9000, 'x'))}).body == "{\"error\":\"the URL is too long\"}\n");
}

TEST_CASE("what is not an address of a machine is not listened on") {
  HttpServer server(1);
  CHECK_THROWS_WITH_AS(server.bind("127.0.0.1:80", 0),
                       "listen: a port cannot be part of it; write an address of this machine, without a port",
                       std::invalid_argument);
  CHECK_THROWS_AS(server.bind("a b", 0), std::invalid_argument);
}

TEST_CASE("a server listens on an IPv6 address, and prints it in brackets") {
  if (!has_ipv6()) return;
  HttpServer server(1);
  server.Get("/", [](const httplib::Request& request, httplib::Response& response) {
    answer_json(response, 200, "\"" + request.remote_addr + "\"");
  });
  const int port = server.bind("[::1]", 0);
  CHECK(server.url() == "http://[::1]:" + std::to_string(port));
  server.start();
  CHECK(send({.url = server.url() + "/"}).body == "\"::1\"\n");
  HttpServer second(1);
  CHECK_THROWS_WITH_AS(second.bind("::1", port),
                       ("cannot listen on [::1]:" + std::to_string(port) +
                        ": Address already in use; stop what uses it, or choose another with --port")
                           .c_str(),
                       std::runtime_error);
}

TEST_CASE("a head is found as soon as its end has arrived") {
  CHECK_FALSE(find_head("GET /a?b HTTP/1.1\r\nHost: a\r\n"));
  const auto get = find_head("GET /a?b=c HTTP/1.1\r\nHost: a\r\n\r\nrest");
  REQUIRE(get);
  CHECK(get->path == "/a");
  CHECK(get->size == 32);
  CHECK(get->body == 0);
  CHECK(find_head("GET /\n\n")->path == "/");
  CHECK(find_head("\r\n\r\n")->path.empty());
  CHECK(find_head("X\r\n\r\n")->path.empty());
  const auto body = [](const std::string& headers) { return find_head("PUT / HTTP/1.1\r\n" + headers + "\r\n")->body; };
  CHECK(body("content-LENGTH:  7 \r\n") == 7);
  CHECK(body("Content-Length: 99999999999999999999999\r\n") == std::numeric_limits<uint64_t>::max());
  for (const std::string headers :
       {"", "Content-Length: x\r\n", "Content-Length: -1\r\n", "Content-Length:\r\n",
        "Content-Length: 1\r\nContent-Length: 1\r\n", "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n", "Content-Encoding: gzip\r\nContent-Length: 1\r\n"}) {
    CAPTURE(headers);
    CHECK_FALSE(body(headers));
  }
}
