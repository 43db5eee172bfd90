#include <doctest/doctest.h>

#include "distributed_breaker/sidecar/sidecar_for_test.hpp"

using namespace cb;

namespace {

const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

RawUpstream::Serve always(const std::string& answer) {
  return [answer](RawSocket& socket) {
    for (;;) {
      (void)read_raw(socket);
      socket.write(answer);
    }
  };
}

std::string get(const std::string& path, const std::string& fields = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

std::string post(const std::string& body, const std::string& fields = "") {
  return "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + fields + "\r\n" +
         body;
}

RawMessage answer_to(const SidecarProcess& sidecar, const std::string& request) {
  RawSocket socket(sidecar.url);
  socket.write(request);
  return read_raw(socket);
}

bool begins(const RawMessage& answer, const std::string& status) {
  return answer.start.starts_with("HTTP/1.1 " + status);
}

// What the sidecar answers to a GET, if the upstream answers this and closes.
RawMessage answer_when_upstream_sends(const std::string& text, std::string& error, int& failures) {
  const RawUpstream upstream([&](RawSocket& socket) {
    (void)read_raw(socket);
    socket.write(text);
  });
  const SidecarProcess sidecar(upstream.url());
  const RawMessage answer = answer_to(sidecar, get("/"));
  error = nlohmann::json::parse(answer.body, nullptr, false).value("error", "");
  failures = sidecar.failures();
  return answer;
}

}  // namespace

TEST_CASE("an open circuit refuses with Retry-After, sends nothing, and keeps the connection") {
  const RawUpstream upstream(always("HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\ndown"));
  const SidecarProcess sidecar(upstream.url(), "--failure-threshold 2 --recovery-timeout 60s");
  RawSocket socket(sidecar.url);
  for (int call = 0; call < 2; ++call) {
    socket.write(get("/"));
    const RawMessage answer = read_raw(socket);
    CHECK(answer.start == "HTTP/1.1 503 No");
    CHECK(answer.body == "down");
  }
  for (const char* method : {"GET", "POST"}) {
    socket.write(std::string(method) + " / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
    const RawMessage refusal = read_raw(socket);
    CHECK(begins(refusal, "503 "));
    CHECK(field(refusal, "Retry-After") == "60");
    CHECK(field(refusal, "Proxy-Status").ends_with("; error=destination_unavailable"));
    CHECK(nlohmann::json::parse(refusal.body)["state"] == "open");
  }
  socket.write("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  CHECK(field(read_raw_head(socket), "Retry-After") == "60");
  CHECK(socket.read_to_end().empty());
  CHECK(sidecar.calls()["failure"] == 2);
  CHECK(sidecar.calls()["blocked"] == 3);
}

TEST_CASE("the instance's own routes hide no path of the upstream") {
  const RawUpstream upstream(always(ok));
  const SidecarProcess sidecar(upstream.url());
  for (const char* path : {"/status", "/call", "/health", "/metrics", "/breaker/override"}) {
    CHECK(answer_to(sidecar, get(path)).body == "ok");
  }
  CHECK(sidecar.calls()["success"] == 5);
}

TEST_CASE("answers that are late, cut off or not HTTP count as failures") {
  std::string error;
  int failures = 0;
  for (const char* text :
       {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "HTTP/1.1 200 OK\r\nContent-Le", "",
        "SSH-2.0-a\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n", "HTTP/1.1 999 x\r\n\r\n"}) {
    CAPTURE(text);
    const RawMessage answer = answer_when_upstream_sends(text, error, failures);
    CHECK(begins(answer, "502 "));
    CHECK_FALSE(error.empty());
    CHECK(failures == 1);
  }
}

TEST_CASE("an answer that is larger than the sidecar takes is no evidence, unless it is an error") {
  std::string error;
  int failures = 0;
  CHECK(begins(answer_when_upstream_sends("HTTP/1.1 200 OK\r\nContent-Length: 8388609\r\n\r\n", error, failures),
               "502 "));
  CHECK(error == "local cause: the upstream's answer: the body is too large; the limit is 8 MiB");
  CHECK(failures == 0);
  CHECK(begins(answer_when_upstream_sends("HTTP/1.1 500 No\r\nContent-Length: 8388609\r\n\r\n", error, failures),
               "502 "));
  CHECK(failures == 1);
}

TEST_CASE("a hung upstream is a failure after the call timeout, and no connection is one at once") {
  const RawUpstream upstream([](RawSocket& socket) { (void)socket.read_to_end(); });
  const SidecarProcess hung(upstream.url(), "--call-timeout 100ms");
  CHECK(begins(answer_to(hung, get("/")), "504 "));
  CHECK(hung.failures() == 1);
  const SidecarProcess lonely("http://127.0.0.1:1");
  const RawMessage answer = answer_to(lonely, get("/"));
  CHECK(begins(answer, "502 "));
  CHECK(field(answer, "Proxy-Status").ends_with("error=connection_refused"));
  CHECK(lonely.failures() == 1);
}

TEST_CASE("a client that leaves takes no evidence with it, and disturbs no other") {
  std::atomic<bool> answers{false};
  const RawUpstream upstream([&](RawSocket& socket) {
    (void)read_raw(socket);
    REQUIRE(happens([&] { return answers.load(); }));
    socket.write("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
  });
  const SidecarProcess sidecar(upstream.url(), "--call-timeout 20s --probe-timeout 30s");
  for (const bool resets : {false, true}) {
    RawSocket leaving(sidecar.url);
    leaving.write(get("/"));
    REQUIRE(happens([&] { return upstream.connections() == (resets ? 2 : 1); }));
    if (resets) leaving.close_with_reset();
  }
  {
    RawSocket in_its_body(sidecar.url);
    in_its_body.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  }
  answers = true;
  CHECK(happens([&] { return sidecar.calls()["failure"] == 2; }));
  CHECK(begins(answer_to(sidecar, get("/")), "500 "));
  CHECK(upstream.connections() == 3);
}

TEST_CASE("a client that has closed its side gets its answer") {
  const RawUpstream upstream(always(ok));
  const SidecarProcess sidecar(upstream.url());
  RawSocket socket(sidecar.url);
  socket.write(get("/"));
  socket.end_output();
  CHECK(read_raw(socket).body == "ok");
}

TEST_CASE("requests that are sent before the answers are answered in order, and HTTP/1.0 closes") {
  const RawUpstream upstream([](RawSocket& socket) {
    for (;;) {
      const std::string line = read_raw(socket).start;
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(line.size()) + "\r\n\r\n" + line);
    }
  });
  const SidecarProcess sidecar(upstream.url());
  RawSocket socket(sidecar.url);
  socket.write(get("/1") + "\r\n" + post("abc") + "GET /3 HTTP/1.0\r\n\r\n");
  CHECK(read_raw(socket).body == "GET /1 HTTP/1.1");
  CHECK(read_raw(socket).body == "POST / HTTP/1.1");
  const RawMessage last = read_raw(socket);
  CHECK(last.body == "GET /3 HTTP/1.1");
  CHECK(field(last, "Connection") == "close");
  CHECK(socket.read_to_end().empty());
  CHECK(upstream.connections() == 1);
}

TEST_CASE("a client that expects 100-continue is invited to send its body, if the body is one to take") {
  const RawUpstream upstream(always(ok));
  const SidecarProcess sidecar(upstream.url());
  RawSocket socket(sidecar.url);
  socket.write("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n");
  CHECK(socket.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  socket.write("abc");
  CHECK(read_raw(socket).body == "ok");
  CHECK(begins(
      answer_to(sidecar, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 8388609\r\n\r\n"),
      "413 "));
  CHECK(
      begins(answer_to(sidecar, "POST / HTTP/1.1\r\nHost: a\r\nExpect: more\r\nContent-Length: 3\r\n\r\nabc"), "417 "));
}

TEST_CASE("a request that could be read in two ways is refused, and what follows it is not read") {
  const RawUpstream upstream(always(ok));
  const SidecarProcess sidecar(upstream.url());
  const std::string smuggled = get("/smuggled");
  for (const std::string& request :
       {post("0\r\n\r\n", "Transfer-Encoding: chunked\r\n"), post("a", "Content-Length: 2\r\n"),
        std::string("GET / HTTP/1.1\nHost: a\n\n"), get("/", "A : b\r\n"), get("/", "A: b\r\n c\r\n"),
        std::string("GET http://other/ HTTP/1.1\r\nHost: a\r\n\r\n"), std::string("\x16\x03\x01\x02\r\n\r\n")}) {
    CAPTURE(request);
    RawSocket socket(sidecar.url);
    socket.write(request + smuggled);
    CHECK(begins(read_raw(socket), "400 "));
    CHECK(socket.read_to_end().empty());
  }
  CHECK(upstream.connections() == 0);
}

TEST_CASE("a refusal reaches a client that is still sending") {
  const RawUpstream upstream(always(ok));
  const SidecarProcess sidecar(upstream.url());
  RawSocket socket(sidecar.url);
  socket.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n" + std::string(4'000'000, 'a'));
  CHECK(begins(read_raw(socket), "413 "));
  CHECK(upstream.connections() == 0);
}

TEST_CASE("an upstream may answer while it reads: neither side waits for the other") {
  const RawUpstream upstream([](RawSocket& socket) {
    const RawMessage head = read_raw_head(socket);
    const size_t size = std::stoul(field(head, "Content-Length"));
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n");
    for (size_t part = 0; part < size; part += 65536) socket.write(socket.read(65536));
  });
  const SidecarProcess sidecar(upstream.url(), "--call-timeout 20s --probe-timeout 30s");
  const std::string body(size_t{8} << 20, 'e');
  CHECK(answer_to(sidecar, post(body)).body == body);
}

TEST_CASE("a kept connection that the upstream has closed costs no call, and is no failure") {
  const RawUpstream upstream([](RawSocket& socket) {  // two answers, and the third request is read but not answered
    for (int answers = 0; answers < 2; ++answers) {
      (void)read_raw(socket);
      socket.write(ok);
    }
    (void)read_raw(socket);
  });
  const SidecarProcess sidecar(upstream.url());
  RawSocket socket(sidecar.url);
  for (int call = 0; call < 5; ++call) {
    socket.write(get("/"));
    CHECK(read_raw(socket).body == "ok");
  }
  CHECK(upstream.connections() == 3);
  socket.write(get("/"));
  CHECK(read_raw(socket).body == "ok");
  socket.write(post("a"));  // may have had an effect, so it is not repeated
  CHECK(begins(read_raw(socket), "502 "));
  CHECK(sidecar.failures() == 0);
}

TEST_CASE("a sidecar stops within a second, while a client is silent and an upstream hangs") {
  const RawUpstream upstream([](RawSocket& socket) { (void)socket.read_to_end(); });
  SidecarProcess sidecar(upstream.url(), "--call-timeout 20s --probe-timeout 30s");
  RawSocket silent(sidecar.url), waiting(sidecar.url);
  waiting.write(get("/"));
  REQUIRE(happens([&] { return upstream.connections() == 1; }));
  sidecar.instance.process.send_signal(SIGTERM);
  CHECK(sidecar.instance.process.wait(std::chrono::milliseconds(LAB_END_WITHIN_MS)) == 0);
}

TEST_CASE("a sidecar stops within a second, while it connects to an upstream that does not answer") {
  const FullUpstream upstream;
  SidecarProcess sidecar(upstream.url(), "--call-timeout 20s --probe-timeout 30s");
  RawSocket waiting(sidecar.url);
  waiting.write(get("/"));
  REQUIRE(happens([&] { return sidecar.instance.status()["call"]["running"] == 1; }));
  sidecar.instance.process.send_signal(SIGTERM);
  CHECK(sidecar.instance.process.wait(std::chrono::milliseconds(LAB_END_WITHIN_MS)) == 0);
  const RawMessage answer = read_raw(waiting);
  CHECK(begins(answer, "502 "));
  CHECK(nlohmann::json::parse(answer.body)["error"] == "local cause: this instance stops");
}

TEST_CASE("what may be repeated has a limit: empty lines before a request, and interim responses") {
  std::string empty_lines;
  while (empty_lines.size() < 65536) empty_lines += "\r\n";
  RawUpstream upstream([](RawSocket& socket) {
    read_raw(socket);
    for (int i = 0; i < 1000; ++i) socket.write("HTTP/1.1 102 Processing\r\n\r\n");
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  SidecarProcess sidecar(upstream.url());
  RawSocket flooding(sidecar.url), patient(sidecar.url);
  flooding.write(empty_lines + get("/"));
  CHECK(begins(read_raw(flooding), "431 "));
  patient.write(get("/"));
  CHECK(begins(read_raw(patient), "502 "));
}

TEST_CASE("settings that do not fit a sidecar are refused in one line") {
  for (const auto& [options, line] : {std::pair{"--max-attempts 2", "error: max_attempts must be 1 with a sidecar\n"},
                                      std::pair{"--fallback last-good", "error: a sidecar has no fallback\n"}}) {
    std::vector<std::string> command{LAB_BIN_DIR "/distributed_breaker", "--port", "0", "--sidecar", "0"};
    for (const std::string& word : words(options)) command.push_back(word);
    const Ended ended = run_to_end(command);
    CHECK(ended.exit_code == 2);
    CHECK(ended.output == line);
  }
}
