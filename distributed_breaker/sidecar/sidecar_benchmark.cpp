// What a sidecar adds to a request's latency, beside HAProxy: one client, one request at a time on a kept connection, a
// body of 1 KiB each way. Direct, through HAProxy and through the sidecar take turns, so that a busy machine slows all
// three alike. Exits with 1 if the sidecar adds more than 1.5 times what HAProxy adds.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "distributed_breaker/sidecar/raw_http_for_test.hpp"
#include "program/processes/child_process.hpp"
#include "program/processes/redis_server.hpp"
#include "program/processes/temporary_folder.hpp"
#include "program/wait_until.hpp"

namespace {

using Microseconds = std::chrono::duration<double, std::micro>;

constexpr int rounds = 10'000;
constexpr double limit = 1.5;
const std::string body(1024, 'b');

void serve(cb::RawSocket& socket) {
  for (;;) {
    (void)cb::read_raw(socket);
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n" + body);
  }
}

std::string haproxy_settings(int port, const std::string& upstream) {
  return fmt::format(R"(defaults
  mode http
  option forwardfor
  timeout connect 1s
  timeout client 60s
  timeout server 10s
listen proxy
  bind 127.0.0.1:{}
  server upstream {}
)",
                     port, upstream);
}

bool accepts(const std::string& url) try {
  const cb::RawSocket socket(url);
  return true;
} catch (const std::runtime_error&) {
  return false;
}

// Requests by one way, and what each of them took.
class Way {
 public:
  Way(std::string name, const std::string& url) : name_(std::move(name)), socket_(url) {}

  void send() {
    const auto start = std::chrono::steady_clock::now();
    socket_.write("POST /path?query HTTP/1.1\r\nHost: a\r\nContent-Length: 1024\r\n\r\n" + body);
    if (cb::read_raw(socket_).body != body) throw std::runtime_error(name_ + ": a wrong answer");
    took_.push_back(Microseconds(std::chrono::steady_clock::now() - start).count());
  }
  const std::vector<double>& took() const { return took_; }  // us, one for each round
  const std::string& name() const { return name_; }

 private:
  const std::string name_;
  cb::RawSocket socket_;
  std::vector<double> took_;
};

double median(std::vector<double> figures) {
  const auto middle = figures.begin() + static_cast<long>(figures.size() / 2);
  std::nth_element(figures.begin(), middle, figures.end());
  return *middle;
}

// The median of what a way took longer than the direct one in the same round.
double added(const Way& way, const Way& direct) {
  std::vector<double> differences;
  for (size_t round = 0; round < way.took().size(); ++round) {
    differences.push_back(way.took()[round] - direct.took()[round]);
  }
  return median(std::move(differences));
}

// The URL of the sidecar; its instance is `process`.
std::string url_of(program::ChildProcess& process) {
  const std::string line = process.wait_for_line("sidecar of ");
  return line.substr(line.rfind("http://"));
}

int measure() {
  const cb::RawUpstream upstream(serve);
  const program::TemporaryFolder folder;
  const std::string settings = folder.path() / "haproxy.cfg";
  const int port = program::free_ports(1)[0];
  std::ofstream(settings) << haproxy_settings(port, upstream.host());
  program::ChildProcess haproxy({"haproxy", "-f", settings});
  const std::string instance = LAB_BIN_DIR "/distributed_breaker";
  program::ChildProcess sidecar({instance, "--port", "0", "--sidecar", "0", "--upstream", upstream.url()});
  const std::string haproxy_url = "http://127.0.0.1:" + std::to_string(port);
  program::wait_until("HAProxy listens: " + haproxy.output(), [&] { return accepts(haproxy_url); });

  Way direct("direct", upstream.url()), by_haproxy("haproxy", haproxy_url), by_sidecar("sidecar", url_of(sidecar));
  for (int round = 0; round < rounds; ++round) {
    for (Way* way : {&direct, &by_haproxy, &by_sidecar}) way->send();
  }
  std::cout << fmt::format("{:<10}{:>12}{:>12}\n", "way", "median", "added");
  for (const Way* way : {&direct, &by_haproxy, &by_sidecar}) {
    std::cout << fmt::format("{:<10}{:>9.1f} us{:>9.1f} us\n", way->name(), median(way->took()), added(*way, direct));
  }
  const double share = added(by_sidecar, direct) / added(by_haproxy, direct);
  std::cout << fmt::format("the sidecar adds {:.2f} times what HAProxy adds (limit {})\n", share, limit);
  return share <= limit ? 0 : 1;
}

}  // namespace

int main() try { return measure(); } catch (const std::exception& error) {
  std::cerr << "sidecar_benchmark: " << error.what() << "\n";
  return 1;
}
