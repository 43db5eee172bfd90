#include "redis_breaker/redis/client.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "program/processes/temporary_folder.hpp"
#include "redis_breaker/redis/client_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

// A server that accepts one connection and sends the same byte forever: alive, but its reply never ends.
class TricklingServer {
 public:
  TricklingServer() : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    REQUIRE(bind(listener_, reinterpret_cast<sockaddr*>(&address), length) == 0);
    REQUIRE(listen(listener_, 1) == 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    trickle_ = std::thread([this] {
      const int client = accept(listener_, nullptr, nullptr);
      while (!stop_ && send(client, "+", 1, MSG_NOSIGNAL) == 1) std::this_thread::sleep_for(5ms);
      close(client);
    });
  }
  ~TricklingServer() {
    stop_ = true;
    trickle_.join();
    close(listener_);
  }
  int port() const { return port_; }

 private:
  int listener_;
  int port_ = 0;
  std::atomic<bool> stop_{false};
  std::thread trickle_;
};

}  // namespace

TEST_CASE("each database has its own channels, as Redis's are those of all databases") {
  const auto channel = [](const std::string& url) { return redis::Client(redis::parse_url(url), 50ms).channel("pay"); };
  CHECK(channel("redis://127.0.0.1:1") == "cb:pay:news");
  CHECK(channel("redis://127.0.0.1:1/0") == "cb:pay:news");
  CHECK(channel("redis://127.0.0.1:1/7") == "cb:pay:news:7");
}

TEST_CASE("user, password and database are used, over TCP and over a socket") {
  const TestRedis over_tcp;
  const program::TemporaryFolder folder;
  const std::string socket = folder.path() / "redis.sock";
  program::ChildProcess over_socket = program::launch_redis_server(0, {"--dir", folder.path(), "--unixsocket", socket});
  over_socket.wait_for_line("to accept connections");
  for (const std::string& url : {over_tcp.server.url(), "unix://" + socket}) {
    CAPTURE(url);
    redis::Address address = redis::parse_url(url);
    redis::Client first(address, 5s);
    CHECK(first.command({"ACL", "SETUSER", "app", "on", ">secret", "~*", "+@all"}).error().empty());
    address.user = "app";
    address.password = "secret";
    address.database = 3;
    redis::Client logged_in(address, 5s);
    CHECK(std::string(logged_in.command({"ACL", "WHOAMI"})->str) == "app");
    CHECK(logged_in.command({"SET", "k", "v"}).error().empty());
    CHECK(first.command({"EXISTS", "k"})->integer == 0);
    CHECK(first.command({"SELECT", "3"}).error().empty());
    CHECK(first.command({"EXISTS", "k"})->integer == 1);
  }
}

TEST_CASE("a wrong password is one clear error that does not contain it") {
  TestRedis redis;
  redis.cli({"CONFIG", "SET", "requirepass", "right-one"});
  redis::Address address = redis::parse_url(redis.server.url());
  address.password = "wrong-one";
  const redis::Reply reply = redis::Client(address, 1s).command({"PING"});
  CHECK(reply.error().find("WRONGPASS") != std::string::npos);
  CHECK(reply.error().find("wrong-one") == std::string::npos);
}

TEST_CASE("the deadline covers the whole command, even if the server trickles") {
  const TricklingServer server;
  redis::Address address;
  address.port = server.port();
  redis::Client client(address, 50ms);
  const auto start = std::chrono::steady_clock::now();
  CHECK(client.command({"PING"}).error().find("no answer in time") != std::string::npos);
  CHECK(std::chrono::steady_clock::now() - start < 2s);  // a deadline per read would never expire
}

TEST_CASE("all that the server has sent by itself is received at once, without waiting for more") {
  TestRedis redis;
  auto listener = redis.client.connect(0);
  REQUIRE(listener->command({"SUBSCRIBE", "news"}, redis::Deadline(5s)).error() == "");
  CHECK(listener->receive_all().empty());
  CHECK(listener->error() == "");
  redis.cli({"EVAL", "for i = 1, 200 do redis.call('PUBLISH', 'news', string.rep('x', 100)) end", "0"});
  for (size_t received = 0; received < 200;) {
    program::wait_until("more messages arrive", [&] { return listener->has_input(); });
    const auto messages = listener->receive_all();
    REQUIRE_FALSE(messages.empty());
    received += messages.size();
  }
  redis.server.kill();
  program::wait_until("the end arrives", [&] { return listener->has_input(); });
  CHECK(listener->receive_all().empty());
  CHECK(listener->error() == "connection closed");
}

TEST_CASE("a missing server is an error that names it") {
  redis::Address address;
  address.port = 1;
  CHECK(redis::Client(address, 50ms).command({"PING"}).error() == "redis://127.0.0.1:1/0: Connection refused");
}

TEST_CASE("an oversized reply is refused") {
  TestRedis redis;
  redis.cli({"SETRANGE", "big", "1000000", "x"});
  CHECK(redis.client.command({"GET", "big"}).error().find("too long") != std::string::npos);
  CHECK(redis.cli({"PING"}) == "PONG");
}

TEST_CASE("many threads share the connections, and each gets its own replies") {
  TestRedis redis;
  std::atomic<int> wrong{0};
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 500; ++i) {
        const std::string mine = std::to_string(thread) + ":" + std::to_string(i);
        const redis::Reply reply = redis.client.command({"ECHO", mine});
        if (!reply.error().empty() || std::string(reply->str, reply->len) != mine) ++wrong;
      }
    });
  }
  threads.clear();
  CHECK(wrong == 0);
}

TEST_CASE("signals do not lengthen a deadline") {
  TestRedis server;
  redis::Client client(redis::parse_url(server.server.url()), 500ms);
  REQUIRE(client.command({"PING"}).error().empty());
  static std::atomic<int> ticks{0};
  struct sigaction count {};
  count.sa_handler = [](int) { ++ticks; };
  struct sigaction before {};
  sigaction(SIGALRM, &count, &before);
  server.server.process().send_signal(SIGSTOP);
  std::atomic<bool> done{false};
  const pthread_t caller = pthread_self();
  std::jthread ticker([&] {
    for (int i = 0; i < 300 && !done; ++i) {
      pthread_kill(caller, SIGALRM);
      std::this_thread::sleep_for(10ms);
    }
  });
  const auto begun = std::chrono::steady_clock::now();
  CHECK_FALSE(client.command({"PING"}).error().empty());
  CHECK(std::chrono::steady_clock::now() - begun < 2s);  // not as long as signals arrive
  done = true;
  ticker.join();
  sigaction(SIGALRM, &before, nullptr);
  server.server.process().send_signal(SIGCONT);
}
