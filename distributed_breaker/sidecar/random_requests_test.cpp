// 10,000 random requests and answers (with a sanitizer fewer) pass the sidecar unchanged, both ways. A seed in the
// request determines both: the upstream makes the request again from it and compares, and the client does so with the
// answer.
#include <doctest/doctest.h>

#include <random>

#include "distributed_breaker/sidecar/sidecar_for_test.hpp"
#include "program/rounds_for_test.hpp"

using namespace cb;

namespace {

constexpr std::string_view token_characters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~";
constexpr const char* name_of_instance = "Instance-R";

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  size_t below(size_t bound) { return engine_() % bound; }
  bool one_in(size_t count) { return below(count) == 0; }
  template <class List>
  auto of(const List& list) {
    return list[below(std::size(list))];
  }
  std::string text(size_t longest, const std::function<char()>& letter) {
    std::string made(below(longest + 1), ' ');
    for (char& each : made) each = letter();
    return made;
  }

 private:
  std::mt19937_64 engine_;
};

enum class End { none, length, chunked, close };

struct Planned {
  std::string start;
  RawFields fields;  // end to end
  RawFields hop;     // for one hop
  std::string body;
  End end = End::none;
  std::string head_length;  // Content-Length of an answer without a body
};

std::string random_token(Random& random) {
  return "X" + random.text(12, [&] { return random.of(token_characters); });
}

std::string random_value(Random& random) {
  std::string value = random.text(80, [&] {
    const size_t kind = random.below(10);
    if (kind == 0) return ' ';
    if (kind == 1) return '\t';
    if (kind == 2) return static_cast<char>(0x80 + random.below(0x80));
    return static_cast<char>('!' + random.below(94));
  });
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.erase(0, 1);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.pop_back();
  return value;
}

std::string random_body(Random& random) {
  constexpr size_t longest[] = {0, 1, 200, 200, 4096, 65536};
  return random.text(random.of(longest), [&] { return static_cast<char>(random.below(256)); });
}

std::string random_target(Random& random) {
  static const std::vector<std::string> parts{
      "/",   "//",     "/.",  "/..", "?", "&", "=",       "%2F",   "%2f",      "%00",
      "%zz", "+",      "%20", ";",   ":", "@", "~",       "*",     "'",        "\"",
      "<",   ">",      "\\",  "^",   "`", "{", "|",       "}",     "a",        "Z",
      "9",   "%C3%A9", "[",   "]",   ",", "!", "/status", "/call", "/metrics", "/breaker/override",
      "$",   "(",      ")",   "-",   "_"};
  std::string target = "/";
  for (size_t count = random.below(30); count > 0; --count) target += random.of(parts);
  return target;
}

void add_fields(Planned& plan, Random& random, const std::vector<std::string>& known) {
  for (size_t count = random.below(15); count > 0; --count) {
    plan.fields.emplace_back(random.one_in(2) ? random.of(known) : random_token(random), random_value(random));
  }
  if (random.one_in(3))
    plan.hop = {{"Keep-Alive", "timeout=5"}, {"cOnnection", "keep-alive ,X-Hop"}, {"x-hop", "secret"}};
  if (random.one_in(5)) plan.hop.emplace_back("Proxy-Connection", "keep-alive");
  if (random.one_in(5)) plan.hop.emplace_back("Upgrade", "h2c");
}

Planned random_request(uint64_t seed, const std::string& sidecar_host) {
  static const std::vector<std::string> methods{"GET",   "HEAD",    "POST",     "PUT",      "DELETE",
                                                "PATCH", "OPTIONS", "PROPFIND", "M-SEARCH", "a!#$%&'*+-.^_`|~9"};
  static const std::vector<std::string> known{"Accept-Encoding", "Cookie",        "Content-Type", "Content-Encoding",
                                              "Authorization",   "If-None-Match", "Range",        "User-Agent"};
  Random random(seed);
  Planned plan{random.of(methods) + " " + random_target(random) + " HTTP/1.1", {}, {}, {}, {}, {}};
  plan.fields = {{"Host", sidecar_host}, {"X-Seed", std::to_string(seed)}};
  add_fields(plan, random, known);
  if (random.one_in(5)) plan.hop.emplace_back("TE", "trailers");
  plan.end = random.of(std::vector{End::none, End::length, End::chunked});
  if (plan.end != End::none) plan.body = random_body(random);
  return plan;
}

Planned random_answer(uint64_t seed, const std::string& method) {
  static const std::vector<int> statuses{200, 200, 200, 201, 203, 204, 205, 206, 299, 300, 301, 304, 307, 400, 401,
                                         404, 405, 409, 411, 418, 429, 451, 499, 500, 501, 502, 503, 504, 599};
  static const std::vector<std::string> known{"Server", "Set-Cookie", "ETag", "Content-Encoding", "Location", "Vary"};
  Random random(seed + 1'000'000);
  const int status = random.of(statuses);
  Planned plan{"HTTP/1.1 " + std::to_string(status) + " " + random_value(random), {}, {}, {}, {}, {}};
  add_fields(plan, random, known);
  if (status == 204) return plan;
  if (method == "HEAD" || status == 304) {
    if (random.one_in(2)) plan.head_length = std::to_string(random.below(100000));
    return plan;
  }
  plan.end = random.of(std::vector{End::length, End::length, End::length, End::chunked, End::chunked, End::close});
  plan.body = random_body(random);
  return plan;
}

std::string in_chunks(const std::string& body, Random& random) {
  std::string text;
  for (size_t at = 0; at < body.size();) {
    const size_t size = 1 + random.below(std::min<size_t>(body.size() - at, 5000));
    std::array<char, 20> digits{};
    std::snprintf(digits.data(), digits.size(), random.one_in(2) ? "%zx" : "0%zX", size);
    text += digits.data() + std::string(random.one_in(5) ? ";name=\"value\"" : "") + "\r\n" + body.substr(at, size) +
            "\r\n";
    at += size;
  }
  return text + "0\r\n" + (random.one_in(5) ? "X-Trailer: 1\r\n" : "") + "\r\n";
}

// The fields for one hop are spread over the others.
std::string written(const Planned& plan, uint64_t seed) {
  Random random(seed + 2'000'000);
  RawFields fields = plan.fields;
  for (const auto& hop : plan.hop)
    fields.insert(fields.begin() + static_cast<long>(random.below(fields.size() + 1)), hop);
  if (plan.end == End::length) fields.emplace_back("content-length", std::to_string(plan.body.size()));
  if (plan.end == End::chunked) fields.emplace_back("Transfer-Encoding", "Chunked");
  if (plan.end == End::close && random.one_in(2)) fields.emplace_back("Connection", "close");
  if (!plan.head_length.empty()) fields.emplace_back("Content-Length", plan.head_length);
  std::string text = plan.start + "\r\n";
  for (const auto& [name, value] : fields)
    text += name + (random.one_in(4) ? ":" : ": ") + value + (random.one_in(4) ? " \r\n" : "\r\n");
  return text + "\r\n" + (plan.end == End::chunked ? in_chunks(plan.body, random) : plan.body);
}

RawMessage expected_request(uint64_t seed, const std::string& sidecar_host, const std::string& upstream_host) {
  Planned plan = random_request(seed, sidecar_host);
  plan.fields[0].second = upstream_host;
  plan.fields.insert(plan.fields.end(), {{"X-Forwarded-For", "127.0.0.1"},
                                         {"X-Forwarded-Host", sidecar_host},
                                         {"X-Caller", name_of_instance},
                                         {"Via", std::string("1.1 ") + name_of_instance}});
  if (plan.end != End::none) plan.fields.emplace_back("Content-Length", std::to_string(plan.body.size()));
  return {plan.start, plan.fields, plan.body};
}

RawMessage expected_answer(uint64_t seed, const std::string& method) {
  Planned plan = random_answer(seed, method);
  if (plan.end != End::none) plan.fields.emplace_back("Content-Length", std::to_string(plan.body.size()));
  if (!plan.head_length.empty()) plan.fields.emplace_back("Content-Length", plan.head_length);
  return {plan.start, plan.fields, plan.body};
}

std::string method_of(const std::string& start) { return start.substr(0, start.find(' ')); }

// What the upstream received differs from what was sent, by seed.
struct Differences {
  std::atomic<int> count{0};
  SharedText first;
  void record(uint64_t seed, const std::string& what) {
    if (count++ == 0) first.set("seed " + std::to_string(seed) + ": " + what);
  }
};

std::string shown(const RawMessage& message) {
  std::string text = message.start + "\n";
  for (const auto& [name, value] : message.fields) text += name + ": " + value + "\n";
  return text + std::to_string(message.body.size()) + " bytes\n";
}

void serve_upstream(RawSocket& socket, const SharedText& sidecar_host, const SharedText& upstream_host,
                    Differences& differences) {
  for (;;) {
    const RawMessage request = read_raw(socket);
    const uint64_t seed = std::stoull(field(request, "X-Seed"));
    const RawMessage expected = expected_request(seed, sidecar_host.get(), upstream_host.get());
    if (request != expected) differences.record(seed, shown(request) + "instead of\n" + shown(expected));
    const Planned answer = random_answer(seed, method_of(request.start));
    const bool hints = seed % 7 == 0;
    socket.write((hints ? "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" : "") + written(answer, seed + 5));
    if (answer.end == End::close) return;
  }
}

void send_requests(const std::string& sidecar, uint64_t first, uint64_t count, Differences& differences) {
  const std::string host = sidecar.substr(7);
  RawSocket socket(sidecar);
  for (uint64_t seed = first; seed < first + count; ++seed) {
    const Planned request = random_request(seed, host);
    socket.write(written(request, seed));
    const std::string method = method_of(request.start);
    RawMessage answer = read_raw_head(socket);
    const RawMessage expected = expected_answer(seed, method);
    answer.body = socket.read(expected.body.size());
    if (answer != expected) return differences.record(seed, shown(answer) + "instead of\n" + shown(expected));
  }
}

}  // namespace

TEST_CASE("random requests and their answers pass the sidecar unchanged") {
  constexpr uint64_t threads = 4, each = rounds(2500);
  SharedText sidecar_host, upstream_host;
  Differences at_upstream, at_client;
  RawUpstream upstream([&](RawSocket& socket) { serve_upstream(socket, sidecar_host, upstream_host, at_upstream); });
  upstream_host.set(upstream.host());
  const SidecarProcess sidecar(upstream.url(), "--call-timeout 20s --probe-timeout 30s --name Instance-R");
  sidecar_host.set(sidecar.url.substr(7));
  REQUIRE(sidecar.instance.override({{"mode", "disabled"}, {"actor", "ann"}, {"reason", "a test"}}).http_status == 200);
  {
    std::vector<std::jthread> clients;
    for (uint64_t i = 0; i < threads; ++i) {
      clients.emplace_back([&, i] {
        try {
          send_requests(sidecar.url, i * each, each, at_client);
        } catch (const std::runtime_error& error) {
          at_client.record(i * each, error.what());
        }
      });
    }
  }
  CHECK(at_upstream.first.get() == "");
  CHECK(at_client.first.get() == "");
  const auto calls = sidecar.instance.status()["calls"];
  CHECK(calls["success"].get<int>() + calls["failure"].get<int>() == threads * each);
}
