#include "distributed_breaker/upstream_client.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <vector>

#include "program/http/http_server.hpp"
#include "program/processes/descriptor_limit.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 20s;

// An upstream with one answer to everything, and a client that keeps the local causes.
struct Upstream {
  explicit Upstream(const FailureStatus& failure_status = {})
      : client(start(), "test", failure_status, [this](const std::string& cause) { local_causes.push_back(cause); }) {}

  std::string start() {
    const auto answer = [this](const auto&, auto& response) {
      response.status = status;
      response.set_content(std::string(body_size, 'x'), "text/plain");
    };
    server.Get("/data", answer);
    server.Get("/health", answer);
    server.bind("127.0.0.1", 0);
    server.start();
    return server.url();
  }

  std::atomic<int> status{200};
  std::atomic<size_t> body_size{2};
  std::vector<std::string> local_causes;
  program::HttpServer server{2};
  UpstreamClient client;
};

}  // namespace

TEST_CASE("a timeout is evidence against the upstream only if the attempt had half of its time or more") {
  const UpstreamReply timed_out{.sent = true, .timed_out = true};
  CHECK(outcome_of(timed_out, 1000ms, 1000ms) == Outcome::failure);
  CHECK(outcome_of(timed_out, 500ms, 1000ms) == Outcome::failure);
  CHECK(outcome_of(timed_out, 499ms, 1000ms) == Outcome::ignored);
}

TEST_CASE("a refused connection or an answer is evidence, however little time the attempt had") {
  CHECK(outcome_of({}, 1ms, 1000ms) == Outcome::failure);
  CHECK(outcome_of({.outcome = Outcome::success, .http_status = 200}, 1ms, 1000ms) == Outcome::success);
}

TEST_CASE("a health route that answers 2xx or 3xx is up; no other answer is, even if it is not a failure") {
  Upstream upstream(FailureStatus::parse("500-599,204"));
  for (const int up : {200, 201, 206, 301, 302, 307}) {
    upstream.status = up;
    CHECK(upstream.client.health(patience) == Health::up);
  }
  for (const int down : {204, 400, 401, 403, 404, 405, 410, 418, 429, 451, 499, 500, 503, 599}) {
    upstream.status = down;
    CHECK(upstream.client.health(patience) == Health::down);
  }
  CHECK(UpstreamClient("http://127.0.0.1:1", "test").health(patience) == Health::down);
}

TEST_CASE("a process without a free descriptor says nothing about the upstream" *
          doctest::skip(!program::works_without_descriptors)) {
  Upstream upstream;
  upstream.client.call(patience);  // now the server has the descriptors that it needs
  const program::DescriptorLimit none;
  const UpstreamReply reply = upstream.client.call(patience);
  CHECK(reply.outcome == Outcome::ignored);
  CHECK(reply.status == CallStatus::exception);
  CHECK(reply.local_cause);
  CHECK_FALSE(reply.sent);
  CHECK(reply.error == "local cause: Too many open files (EMFILE)");
  CHECK_FALSE(upstream.client.health(patience));
  CHECK(upstream.local_causes == std::vector<std::string>(2, reply.error));
}

TEST_CASE("a longer answer than the client takes says nothing about the upstream, unless its status is a failure") {
  Upstream upstream;
  upstream.body_size = 2 << 20;
  for (const int status : {200, 301, 404}) {
    upstream.status = status;
    const UpstreamReply reply = upstream.client.call(patience);
    CHECK(reply.outcome == Outcome::ignored);
    CHECK(reply.local_cause);
    CHECK(reply.sent);
    CHECK(reply.body.empty());
    CHECK_FALSE(upstream.client.health(patience));
  }
  CHECK(upstream.local_causes.size() == 6);
  upstream.status = 500;
  CHECK(upstream.client.call(patience).outcome == Outcome::failure);
  CHECK(upstream.client.call(patience).http_status == 500);
  CHECK(upstream.client.health(patience) == Health::down);
  CHECK(upstream.local_causes.size() == 6);
}
