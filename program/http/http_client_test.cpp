#include "program/http/http_client.hpp"

#include <doctest/doctest.h>

#include <string>

#include "program/http/http_server.hpp"
#include "program/local_cause.hpp"
#include "program/processes/descriptor_limit.hpp"

using namespace program;

namespace {

bool says(const HttpReply& reply, const std::string& text) { return reply.error.find(text) != std::string::npos; }

// Answers /body with a long body, /headers with long headers, and /failure with an error page that is long, too.
struct LongAnswers {
  LongAnswers() {
    server.Get("/body",
               [](const auto&, auto& response) { response.set_content(std::string(2000, 'x'), "text/plain"); });
    server.Get("/failure", [](const auto&, auto& response) {
      response.status = 500;
      response.set_content(std::string(2000, 'x'), "text/plain");
    });
    server.Get("/headers", [](const auto&, auto& response) {
      for (int i = 0; i < 40; ++i) response.set_header("X-" + std::to_string(i), std::string(7000, 'x'));
    });
    server.bind("127.0.0.1", 0);
    server.start();
  }
  HttpReply get(const std::string& path, size_t largest_reply = 1999) const {
    return send({.url = server.url() + path, .timeout = std::chrono::seconds(20), .largest_reply = largest_reply});
  }
  HttpServer server{2};
};

}  // namespace

TEST_CASE("a request of a process without a free descriptor fails for a local cause, which names the errno" *
          doctest::skip(!works_without_descriptors)) {
  const LongAnswers answers;
  REQUIRE(answers.get("/body", 2000).status == 200);  // now the server has the descriptors that it needs
  const DescriptorLimit none;
  for (const std::string& url :
       {answers.server.url(), std::string("http://localhost:1"), std::string("http://a.invalid")}) {
    CAPTURE(url);
    const HttpReply reply = send({.url = url + "/body"});
    CHECK(reply.status == 0);
    CHECK(reply.local_cause);
    CHECK_FALSE(reply.connected);
    CHECK(says(reply, "Too many open files (EMFILE)"));
  }
}

TEST_CASE("a longer answer than the client takes is a local cause, whether its body or its headers are too long") {
  const LongAnswers answers;
  CHECK(answers.get("/body", 2000).status == 200);
  for (const char* path : {"/body", "/headers", "/failure"}) {
    CAPTURE(path);
    const HttpReply reply = answers.get(path);
    CHECK(reply.status == 0);
    CHECK(reply.local_cause);
    CHECK(reply.connected);
    CHECK(says(reply, "longer than this client takes"));
  }
  CHECK(answers.get("/failure").incomplete_status == 500);
}

TEST_CASE("a refused connection is not a local cause, even if the name has another address without a route") {
  for (const char* url : {"http://127.0.0.1:1/", "http://localhost:1/"}) {
    CAPTURE(url);
    const HttpReply reply = send({.url = url});
    CHECK_FALSE(reply.local_cause);
    CHECK(says(reply, "Connection refused (ECONNREFUSED)"));
  }
}

TEST_CASE("descriptors, ports, memory and a firewall here are local causes; what the other side does is not") {
  for (const int here : {EMFILE, ENFILE, EADDRNOTAVAIL, ENOMEM, ENOBUFS, EPERM}) CHECK(is_local_cause(here));
  for (const int there : {0, ECONNREFUSED, ECONNRESET, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, EPIPE}) {
    CHECK_FALSE(is_local_cause(there));
  }
}
