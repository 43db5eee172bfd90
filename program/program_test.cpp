#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "program/command_line/options.hpp"
#include "program/http/http_client.hpp"
#include "program/http/http_server.hpp"
#include "program/processes/child_process.hpp"
#include "program/processes/redis_cluster_servers.hpp"
#include "program/processes/redis_sentinel_servers.hpp"
#include "program/processes/redis_server.hpp"
#include "program/processes/temporary_folder.hpp"
#include "program/text.hpp"
#include "program/wait_until.hpp"

using namespace program;
using namespace std::chrono_literals;

namespace {

using SteadyClock = std::chrono::steady_clock;

// A server on a free port.
struct Served {
  explicit Served(size_t workers = 4) : server(workers), port(server.bind("127.0.0.1", 0)) {}
  ~Served() {
    server.stop();
    if (running.joinable()) running.join();
  }
  std::string start(const std::string& path) {
    running = std::thread([this] { server.listen_after_bind(); });
    while (!server.is_running()) std::this_thread::yield();
    return "http://127.0.0.1:" + std::to_string(port) + path;
  }
  HttpServer server;
  int port;
  std::thread running;
};

// A client that connects and sends nothing.
struct Silent {
  explicit Silent(int port) : socket(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  ~Silent() { close(socket); }
  Silent(const Silent&) = delete;
  Silent& operator=(const Silent&) = delete;
  int socket;
};

bool alive(pid_t process) { return kill(process, 0) == 0; }

}  // namespace

TEST_CASE("durations are parsed with their unit, and written in the shortest form") {
  CHECK(parse_duration("250ms") == 250ms);
  CHECK(parse_duration("10s") == 10s);
  CHECK(parse_duration("1.5s") == 1500ms);
  CHECK(parse_duration("2m") == 2min);
  CHECK(parse_duration("0ms") == 0ms);
  CHECK(parse_duration("0") == 0ms);
  for (const char* bad : {"", "10", "s", "-1s", "1e3s", "nan s", "10 s", "10x", "9999999999h", "inf"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_duration(bad));
  }
  CHECK(to_text(90s) == "90s");
  CHECK(to_text(120s) == "2m");
  CHECK(to_text(1500ms) == "1500ms");
  CHECK(to_text(0ms) == "0ms");
}

TEST_CASE("a server's message stays on one line of the log, and is not long") {
  CHECK(cb::words::on_one_line("no \"such\"\r\ntable\x7f\u00e9!") == "no \"such\"  table   !");
  CHECK(cb::words::on_one_line(std::string(201, 'x')) == std::string(197, 'x') + "...");
}

TEST_CASE("text that is too long ends with an ellipsis, and no character is cut in two") {
  CHECK(program::shortened("abcdefgh", 8) == "abcdefgh");
  CHECK(program::shortened("abcdefghi", 8) == "abcde...");
  CHECK(program::shortened("abcd\u00e9fghi", 8) == "abcd...");  // the fifth character has two bytes
}

TEST_CASE("an exception in a program becomes an exit code") {
  CHECK(run([] { return 0; }) == 0);
  CHECK(run([]() -> int { throw std::invalid_argument("failure_threshold is 0"); }) == 2);
  CHECK(run([]() -> int { throw std::runtime_error("cannot listen"); }) == 1);
}

TEST_CASE("a port in use is an error that names the address, even if both servers set SO_REUSEADDR") {
  HttpServer first(1);
  const int port = first.bind("127.0.0.1", 0);
  HttpServer second(1);
  CHECK_THROWS_WITH_AS(second.bind("127.0.0.1", port),
                       ("cannot listen on 127.0.0.1:" + std::to_string(port) +
                        ": Address already in use; stop what uses it, or choose another with --port")
                           .c_str(),
                       std::runtime_error);
}

TEST_CASE("a burst of connections is queued, not dropped") {
  Served served(1);
  served.server.Get("/",
                    [](const httplib::Request&, httplib::Response& response) { answer_json(response, 200, "{}"); });
  const std::string url = served.start("/");
  const auto slow_ones_of_a_burst = [&url] {
    std::atomic<int> slow{0}, answered{0};
    std::vector<std::jthread> callers;
    for (int i = 0; i < 100; ++i) {
      callers.emplace_back([&] {
        const auto start = SteadyClock::now();
        answered += send({.url = url, .timeout = 20s}).status == 200 ? 1 : 0;
        slow += SteadyClock::now() - start > 900ms ? 1 : 0;
      });
    }
    callers.clear();
    CHECK(answered == 100);
    return slow.load();
  };
  int slow = slow_ones_of_a_burst();  // a dropped SYN would be repeated after a second
  for (int again = 0; slow > 0 && again < 2; ++again) slow = slow_ones_of_a_burst();  // where the machine was busy
  CHECK(slow == 0);
}

TEST_CASE("a body beyond the limit is rejected") {
  Served served;
  served.server.Put("/",
                    [](const httplib::Request&, httplib::Response& response) { answer_json(response, 200, "{}"); });
  const std::string url = served.start("/");
  CHECK(send({.method = "PUT", .url = url, .body = std::string(1000, 'x')}).status == 200);
  CHECK(send({.method = "PUT", .url = url, .body = std::string(100'000, 'x')}).status == 413);
}

namespace {

// Everything that the server sends until it closes the connection.
std::string reply_to(int port, const std::string& request) {
  const Silent client(port);
  REQUIRE(write(client.socket, request.data(), request.size()) == static_cast<ssize_t>(request.size()));
  std::string reply;
  char part[1024];
  for (ssize_t got = 0; (got = read(client.socket, part, sizeof part)) > 0;) reply.append(part, got);
  return reply;
}

}  // namespace

TEST_CASE("a body without a length, or compressed, is rejected before it is read") {
  Served served;
  const auto answer = [](const httplib::Request&, httplib::Response& response) { answer_json(response, 200, "{}"); };
  served.server.Put("/", answer);
  served.server.Get("/", answer);
  served.start("/");
  const auto refused = [&](const std::string& method, const std::string& headers, const std::string& status) {
    CAPTURE(method);
    CAPTURE(headers);
    // An incomplete body: a server that waited for the rest would not answer.
    const std::string reply =
        reply_to(served.port, method + " / HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n5\r\nhello\r\n");
    CHECK(reply.rfind("HTTP/1.1 " + status, 0) == 0);
    CHECK(reply.find("Connection: close") != std::string::npos);
    CHECK(reply.find("{\"error\":\"a body ") != std::string::npos);
  };
  for (const char* method : {"PUT", "GET"}) {
    refused(method, "Transfer-Encoding: chunked\r\n", "411");
    refused(method, "transfer-encoding: gzip, chunked\r\n", "411");
    refused(method, "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "411");
    refused(method, "Content-Encoding: gzip\r\nContent-Length: 50\r\n", "415");
  }
  refused("PUT", "", "411");
  CHECK(send({.method = "PUT", .url = served.server.url() + "/", .body = "hello"}).status == 200);
  CHECK(send({.url = served.server.url() + "/"}).status == 200);
}

TEST_CASE("a program's pre-routing handler runs, but not for a body that was rejected") {
  Served served;
  std::atomic<int> asked = 0;
  served.server.set_pre_routing_handler([&](const httplib::Request& request, httplib::Response& response) {
    ++asked;
    if (request.path != "/closed") return httplib::Server::HandlerResponse::Unhandled;
    answer_json(response, 403, "{}");
    return httplib::Server::HandlerResponse::Handled;
  });
  served.server.Get("/.*",
                    [](const httplib::Request&, httplib::Response& response) { answer_json(response, 200, "{}"); });
  served.start("/");
  CHECK(send({.url = served.server.url() + "/closed"}).status == 403);
  CHECK(send({.url = served.server.url() + "/open"}).status == 200);
  CHECK(asked == 2);
  CHECK(reply_to(served.port, "GET /closed HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").find(" 411 ") !=
        std::string::npos);
  CHECK(asked == 2);
}

TEST_CASE("an exception in a handler is a 500, and the server continues") {
  Served served;
  served.server.Get("/", [](const httplib::Request&, httplib::Response&) { throw std::runtime_error("oops"); });
  const std::string url = served.start("/");
  CHECK(send({.url = url}).status == 500);
  CHECK(send({.url = url}).status == 500);
}

TEST_CASE("a request has one deadline, even if the server trickles") {
  Served served;
  served.server.Get("/", [](const httplib::Request&, httplib::Response& response) {
    response.set_content_provider(1'000'000, "text/plain", [](size_t, size_t, httplib::DataSink& sink) {
      std::this_thread::sleep_for(10ms);
      return sink.write("x", 1);
    });
  });
  const std::string url = served.start("/");
  const auto start = SteadyClock::now();
  const HttpReply reply = send({.url = url, .timeout = 300ms});
  CHECK(reply.status == 0);
  CHECK(reply.timed_out);
  CHECK(reply.connected);
  CHECK(SteadyClock::now() - start < 10s);  // the complete answer would take hours
}

TEST_CASE("a missing server is not connected, and the environment's proxies are not used") {
  setenv("http_proxy", "http://127.0.0.1:9", 1);
  const HttpReply missing = send({.url = "http://127.0.0.1:1/"});
  CHECK(missing.status == 0);
  CHECK_FALSE(missing.connected);
  Served served;
  served.server.Get("/",
                    [](const httplib::Request&, httplib::Response& response) { answer_json(response, 200, "{}"); });
  CHECK(send({.url = served.start("/")}).status == 200);
  unsetenv("http_proxy");
}

TEST_CASE("a child's output and exit code are available") {
  ChildProcess child({"sh", "-c", "echo one; echo two >&2; exit 3"});
  CHECK(child.wait(5s) == 3);
  CHECK(child.output() == "one\ntwo\n");
  CHECK(child.wait_for_line("tw") == "two");
}

TEST_CASE("a child has its own process group, so a terminal's Ctrl-C reaches only the parent") {
  const ChildProcess child({"sleep", "30"});
  CHECK(getpgid(child.pid()) == child.pid());
}

TEST_CASE("starting a missing program is an error") {
  CHECK_THROWS_AS(ChildProcess({"no-such-program"}), std::system_error);
}

TEST_CASE("a child that ends before the awaited line is an error that quotes its output") {
  ChildProcess child({"sh", "-c", "echo no luck; exit 1"});
  CHECK_THROWS_WITH_AS(child.wait_for_line("ready"), "sh ended before it printed 'ready':\nno luck\n",
                       std::runtime_error);
}

TEST_CASE("a child is stopped even if it ignores SIGTERM, and ends with its object even if it is suspended") {
  ChildProcess stubborn({"sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.01; done"});
  stubborn.wait_for_line("ready");
  stubborn.stop(50ms);
  CHECK_FALSE(alive(stubborn.pid()));
  CHECK(stubborn.wait(0ms) == 128 + SIGKILL);
  pid_t suspended = 0;
  {
    ChildProcess child({"sleep", "60"});
    suspended = child.pid();
    child.send_signal(SIGSTOP);
  }
  CHECK_FALSE(alive(suspended));
}

TEST_CASE("a child is running, stopped or ended, also by a signal that its object did not send") {
  using State = ChildProcess::State;
  ChildProcess child({"sleep", "60"});
  CHECK(child.state() == State::running);
  kill(child.pid(), SIGSTOP);
  CHECK(wait_until([&] { return child.state() == State::stopped; }, 5s));
  child.send_signal(SIGCONT);
  CHECK(wait_until([&] { return child.state() == State::running; }, 5s));
  kill(child.pid(), SIGKILL);
  CHECK(wait_until([&] { return child.state() == State::ended; }, 5s));
}

TEST_CASE("a child does not outlive a killed parent") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t parent = fork();
  if (parent == 0) {
    ChildProcess child({"sleep", "60"});
    const pid_t pid = child.pid();
    [[maybe_unused]] const auto written = write(ends[1], &pid, sizeof pid);
    raise(SIGKILL);
  }
  pid_t child = 0;
  REQUIRE(read(ends[0], &child, sizeof child) == sizeof child);
  waitpid(parent, nullptr, 0);
  const auto has_ended = [child] {  // or it is a zombie that init has not reaped yet
    if (!alive(child)) return true;
    ChildProcess state({"ps", "-o", "stat=", "-p", std::to_string(child)});
    state.wait(5s);
    return state.output().empty() || state.output().front() == 'Z';
  };
  CHECK(wait_until(has_ended, 5s));
}

TEST_CASE("a private Redis is empty after a restart, and ends with its object") {
  pid_t server = 0;
  {
    PrivateRedis redis;
    const auto cli = [&redis](const std::string& command) {
      ChildProcess child({"sh", "-c", "redis-cli -u " + redis.url() + " " + command});
      child.wait(5s);
      return child.output();
    };
    CHECK(cli("SET k v") == "OK\n");
    redis.restart();
    CHECK(cli("EXISTS k") == "0\n");
    server = redis.process().pid();
  }
  CHECK_FALSE(alive(server));
}

TEST_CASE("a private Sentinel performs a planned failover, and its processes end with its object") {
  std::vector<pid_t> processes;
  {
    PrivateSentinel watched;
    const int first = watched.master();
    CHECK(first == watched.servers()[0]);
    watched.fail_over();
    const int second = watched.master();
    CHECK(second == watched.servers()[1]);
    for (const int port : watched.sentinels()) processes.push_back(watched.process(port).pid());
    for (const int port : watched.servers()) processes.push_back(watched.process(port).pid());
  }
  for (const pid_t process : processes) CHECK_FALSE(alive(process));
}

TEST_CASE("a private cluster serves and moves slots, and its processes end with its object") {
  std::vector<pid_t> processes;
  {
    PrivateCluster cluster;
    const int before = cluster.owner_of("k"), after = cluster.other_than(before);
    CHECK(redis_cli(before, {"SET", "k", "v"}) == "OK\n");
    CHECK(redis_cli(after, {"GET", "k"}).rfind("MOVED ", 0) == 0);
    cluster.begin_move("k", after);
    cluster.finish_move("k", after);
    CHECK(cluster.owner_of("k") == after);
    CHECK(redis_cli(after, {"GET", "k"}) == "v\n");
    for (const int port : cluster.ports()) processes.push_back(cluster.process(port).pid());
  }
  for (const pid_t process : processes) CHECK_FALSE(alive(process));
}

TEST_CASE("a temporary folder is removed with its contents") {
  std::filesystem::path path;
  {
    const TemporaryFolder folder;
    path = folder.path();
    std::ofstream(path / "file") << "text";
    REQUIRE(std::filesystem::exists(path / "file"));
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a killed private Redis can be launched again on the same port") {
  PrivateRedis redis;
  const int port = redis.port();
  const pid_t first = redis.process().pid();
  redis.kill();
  CHECK_FALSE(alive(first));
  redis.launch();
  redis.process().wait_for_line("Ready to accept connections");
  CHECK(redis.port() == port);
  const pid_t second = redis.process().pid();
  redis.launch();  // replaces the running server
  redis.process().wait_for_line("Ready to accept connections");
  CHECK_FALSE(alive(second));
}
