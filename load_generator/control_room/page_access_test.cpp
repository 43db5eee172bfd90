#include "load_generator/control_room/page_access.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <utility>
#include <vector>

using namespace load;

namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

httplib::Request request_with(const Headers& headers) {
  httplib::Request request;
  request.remote_addr = "127.0.0.1";
  for (const auto& [name, value] : headers) request.headers.emplace(name, value);
  return request;
}

httplib::Request request_for(const std::string& path, const Headers& headers) {
  httplib::Request request = request_with(headers);
  request.path = path;
  return request;
}

int status_of(const std::function<void()>& check) try {
  check();
  return 200;
} catch (const RequestError& error) {
  return error.status();
}

bool is_readable(const httplib::Request& request) {
  return status_of([&] { PageAccess::check_read(request); }) == 200;
}

bool shows(const Headers& headers) { return is_readable(request_with(headers)); }

class Page {
 public:
  // The headers of the page, with one replaced, or left out if `value` is empty.
  Headers with(const std::string& name, const std::string& value) const {
    Headers headers;
    for (const auto& header : own()) {
      if (header.first != name) headers.push_back(header);
    }
    if (!value.empty()) headers.emplace_back(name, value);
    return headers;
  }
  Headers own() const {
    return {{"Host", "127.0.0.1:8080"},
            {"Origin", "http://127.0.0.1:8080"},
            {"X-Control-Token", access.token()},
            {"Content-Type", "application/json"}};
  }
  int status(const Headers& headers) const {
    return status_of([&] { access.check_change(request_with(headers)); });
  }
  PageAccess access;
};

}  // namespace

TEST_CASE("the page is shown under this machine's names, and not under a rebound name") {
  for (const char* host : {"127.0.0.1:8080", "localhost:8080", "localhost", "[::1]:8080"}) {
    CAPTURE(host);
    CHECK(shows({{"Host", host}}));
  }
  for (const char* host : {"evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example:8080", "", "10.0.0.1",
                           "localhost:8080@evil.example"}) {
    CAPTURE(host);
    CHECK_FALSE(shows({{"Host", host}}));
  }
  CHECK_FALSE(shows({}));
  CHECK_FALSE(shows({{"Host", "localhost"}, {"Host", "evil.example"}}));
}

TEST_CASE("another site's page is shown nothing, but a link to the page may be followed") {
  const auto shows_to = [](const std::string& path, Headers headers) {
    headers.emplace_back("Host", "127.0.0.1:8080");
    return is_readable(request_for(path, headers));
  };
  CHECK(shows_to("/events", {{"Origin", "http://127.0.0.1:8080"}}));
  CHECK(shows_to("/events", {{"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Mode", "cors"}}));
  CHECK(shows_to("/runs", {{"Sec-Fetch-Site", "none"}, {"Sec-Fetch-Mode", "navigate"}}));  // typed
  for (const char* origin : {"null", "", "http://evil.example", "http://127.0.0.1:8081", "https://127.0.0.1:8080"}) {
    CAPTURE(origin);
    CHECK_FALSE(shows_to("/events", {{"Origin", origin}}));
    CHECK_FALSE(shows_to("/", {{"Origin", origin}, {"Sec-Fetch-Mode", "navigate"}}));
  }
  for (const char* site : {"cross-site", "same-site", ""}) {
    CAPTURE(site);
    CHECK_FALSE(shows_to("/events", {{"Sec-Fetch-Site", site}, {"Sec-Fetch-Mode", "no-cors"}}));
    CHECK_FALSE(shows_to("/events", {{"Sec-Fetch-Site", site}, {"Sec-Fetch-Mode", "navigate"}}));
    CHECK_FALSE(shows_to("/", {{"Sec-Fetch-Site", site}, {"Sec-Fetch-Mode", "no-cors"}}));
    CHECK_FALSE(
        shows_to("/", {{"Sec-Fetch-Site", site}, {"Sec-Fetch-Mode", "navigate"}, {"Sec-Fetch-Dest", "iframe"}}));
    CHECK(shows_to("/", {{"Sec-Fetch-Site", site}, {"Sec-Fetch-Mode", "navigate"}, {"Sec-Fetch-Dest", "document"}}));
  }
  CHECK_FALSE(shows_to("/events", {{"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Site", "cross-site"}}));
}

TEST_CASE("a change needs the page's token, its origin and JSON, all three") {
  const Page page;
  CHECK(page.status(page.own()) == 200);
  CHECK(page.status(page.with("Content-Type", "application/json; charset=utf-8")) == 200);
  CHECK(page.status(page.with("Host", "evil.example")) == 403);
  for (const char* origin : {"", "null", "http://evil.example", "http://127.0.0.1:8081", "https://127.0.0.1:8080",
                             "http://localhost:8080", "http://127.0.0.1:8080/"}) {
    CAPTURE(origin);
    CHECK(page.status(page.with("Origin", origin)) == 403);
  }
  const std::string& token = page.access.token();
  for (const std::string& wrong : {std::string(), token.substr(1), token + "0", std::string(32, '0')}) {
    CAPTURE(wrong);
    CHECK(page.status(page.with("X-Control-Token", wrong)) == 403);
  }
  for (const char* type : {"", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"}) {
    CAPTURE(type);
    CHECK(page.status(page.with("Content-Type", type)) == 415);
  }
  for (const auto& header : page.own()) {
    Headers twice = page.own();
    twice.push_back(header);
    CHECK(page.status(twice) != 200);
  }
}

TEST_CASE("each control room has another token, of 128 bits") {
  const PageAccess one;
  const PageAccess other;
  CHECK(one.token().size() == 32);
  CHECK(one.token().find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK(one.token() != other.token());
}
