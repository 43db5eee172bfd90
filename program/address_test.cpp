#include "program/address.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

using namespace cb::net;

namespace {

std::string fault_of(const auto& parse) {
  try {
    parse();
    return "";
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

std::string url_fault(const std::string& text) {
  return fault_of([&] { parse_url(text); });
}

std::string http_fault(const std::string& text) {
  return fault_of([&] { http_address("upstream", text); });
}

}  // namespace

TEST_CASE("a host is a name, also with _, an IPv4 address, or an IPv6 address in brackets") {
  CHECK(parse_endpoint("cache_1.example:6380") == Endpoint{"cache_1.example", 6380});
  CHECK(parse_endpoint("_srv-2.") == Endpoint{"_srv-2.", 0});
  CHECK(parse_endpoint("10.0.0.1:1") == Endpoint{"10.0.0.1", 1});
  CHECK(parse_endpoint("[::1]:65535") == Endpoint{"::1", 65535});
  CHECK(parse_endpoint("[2001:db8::7]") == Endpoint{"2001:db8::7", 0});
  CHECK(parse_endpoint("[::ffff:10.0.0.1]:80") == Endpoint{"::ffff:10.0.0.1", 80});
  for (const std::string text : {"h", "h:1", "h_1:65535", "[::1]", "[::1]:80"})
    CHECK(parse_endpoint(text).to_text() == text);
}

TEST_CASE("an endpoint that is refused says what is wrong with it") {
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"", "the host is missing"},
      {":80", "the host is missing"},
      {"h:", "the port is missing"},
      {"h:0", "the port is 0; it must be 1 to 65535"},
      {"h:65536", "the port is 65536; it must be 1 to 65535"},
      {"h:99999999999999999999", "the port is 99999999999999999999; it must be 1 to 65535"},
      {"h:-1", "the port is not a whole number"},
      {"h:+1", "the port is not a whole number"},
      {"h:80x", "the port is not a whole number"},
      {"h: 80", "the port is not a whole number"},
      {"[::1]:0", "the port is 0; it must be 1 to 65535"},
      {"[::1]:", "the port is missing"},
      {"a b", "the host has a ' '; use A-Z a-z 0-9 - _ ."},
      {"h\n", "the host has a character that is not visible ASCII; use A-Z a-z 0-9 - _ ."},
      {"h\xc3\xa9", "the host has a character that is not visible ASCII; use A-Z a-z 0-9 - _ ."},
      {"h%41", "the host has a '%'; use A-Z a-z 0-9 - _ ."},
      {"a..b", "the host has an empty part beside a dot"},
      {".a", "the host has an empty part beside a dot"},
      {"256.0.0.1", "'256.0.0.1' is not an IPv4 address"},
      {"127.1:80", "'127.1' is not an IPv4 address"},
      {"::1", "an IPv6 address needs brackets, as in [::1]:80"},
      {"::1:80", "an IPv6 address needs brackets, as in [::1]:80"},
      {"[::1", "the ] after the IPv6 address is missing"},
      {"[]", "'' is not an IPv6 address"},
      {"[1.2.3.4]:1", "'1.2.3.4' is not an IPv6 address"},
      {"[:::1]", "':::1' is not an IPv6 address"},
      {"[name]", "what is in brackets is not an IPv6 address"},
      {"[::1]80", "only a port may follow the ], as in [::1]:80"},
      {std::string(64, 'a'), "the host has a part of more than 63 characters between its dots"},
      {std::string(254, 'a'), "the host is longer than 253 characters"}};
  for (const auto& each : wrong) {
    const auto& text = each.first;
    const auto& fault = each.second;
    CAPTURE(text);
    CHECK(fault_of([&text] { parse_endpoint(text); }) == fault);
  }
}

TEST_CASE("an address to listen on has no port, and IPv6 may lack the brackets") {
  CHECK(parse_host("::1") == "::1");
  CHECK(parse_host("[::1]") == "::1");
  CHECK(parse_host("::") == "::");
  CHECK(parse_host("0.0.0.0") == "0.0.0.0");
  CHECK(parse_host("my_host") == "my_host");
  CHECK(fault_of([] { parse_host("127.0.0.1:80"); }) == "a port cannot be part of it");
  CHECK(fault_of([] { parse_host("[::1]:80"); }) == "a port cannot be part of it");
  CHECK(fault_of([] { parse_host(""); }) == "the host is missing");
}

TEST_CASE("endpoints that servers report are validated, and their IPv6 addresses have no brackets") {
  CHECK(reported_endpoint("127.0.0.1", "6379") == Endpoint{"127.0.0.1", 6379});
  CHECK(reported_endpoint("2001:db8::7", "1") == Endpoint{"2001:db8::7", 1});
  CHECK(reported_endpoint("node_1.example", "65535"));
  for (const std::string host : {"", "?", "a b", "h\n", "/run/redis.sock", "h:1", "::1:x"}) {
    CHECK_FALSE(reported_endpoint(host, "1"));
  }
  for (const std::string port : {"", "0", "-1", "65536", "1x", " 1"}) CHECK_FALSE(reported_endpoint("h", port));
  CHECK_FALSE(reported_endpoint(std::string(254, 'a'), "1"));
}

TEST_CASE("a URL is parsed into its parts, whatever the case of its scheme") {
  const Url url = parse_url("REDIS+Sentinel://a%40b:s%3Acret:2@h_1:1,[::1],c/my-master/2");
  CHECK(url.scheme == "redis+sentinel");
  CHECK(url.user == "a@b");
  CHECK(url.password == "s:cret:2");
  CHECK(url.hosts == std::vector<Endpoint>{{"h_1", 1}, {"::1", 0}, {"c", 0}});
  CHECK(url.path == "/my-master/2");
  CHECK(parse_url("unix:///run/a:b@c.sock").path == "/run/a:b@c.sock");
  CHECK(parse_url("http://h").path.empty());
  CHECK(parse_url("redis://:p#ss?w:rd@h/1").password == "p#ss?w:rd");
}

TEST_CASE("a URL that is refused says what is wrong, without a user or a password") {
  const std::string encode =
      "the user or password has a character that must be encoded: write @ : / % as %40 %3A %2F %25";
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"", "it does not start with a scheme, such as http:// or redis://"},
      {"localhost:80", "it does not start with a scheme, such as http:// or redis://"},
      {"http:/h", "it does not start with a scheme, such as http:// or redis://"},
      {"://h", "what is before :// is not a scheme, such as http"},
      {" http://h", "what is before :// is not a scheme, such as http"},
      {"hid den://h", "what is before :// is not a scheme, such as http"},
      {"http://", "the host is missing"},
      {"http:///x", "the host is missing"},
      {"r://h?x", "it has a part that starts with ? or #, which must be left out"},
      {"r://h/1#x", "it has a part that starts with ? or #, which must be left out"},
      {"r://h,", "host 2 of 2: the host is missing"},
      {"r://h:1, g:2,i", "host 2 of 3: the host has a ' '; use A-Z a-z 0-9 - _ ."},
      {"r://hidden@h", "the password is missing before the @; write user:password@ or :password@"},
      {"r://u:hid@den@h", encode},
      {"r://u:hid/den@h", encode},
      {"r://u:hidden%zz@h", "the user or password has a % that does not start a %-code; write % as %25"},
      {"r://u:hidden%4@h", "the user or password has a % that does not start a %-code; write % as %25"},
      {"r://hidden:hidden", "the port is not a whole number"},
      {"unix://h/x", "the path of a socket must start with /, as in unix:///run/redis.sock"},
      {"unix:///" + std::string(107, 'x'), "the path of a socket has at most 107 characters"},
      {"r://" + std::string(5000, ','), "it is longer than 2048 characters"}};
  for (const auto& each : wrong) {
    const auto& text = each.first;
    const auto& fault = each.second;
    CAPTURE(text);
    CHECK(url_fault(text) == fault);
  }
}

TEST_CASE("the address of an HTTP server has one form") {
  const auto address = [](const std::string& text) { return http_address("upstream", text); };
  CHECK(address("http://127.0.0.1:9000") == "http://127.0.0.1:9000");
  CHECK(address("http://my_service:9000/") == "http://my_service:9000");
  CHECK(address("HTTP://h") == "http://h:80");
  CHECK(address("http://[::1]:9000/") == "http://[::1]:9000");
  CHECK(http_address("--instance", "HTTPS://h", {"http", "https"}) == "https://h:443");
}

TEST_CASE("an HTTP address that is refused is quoted with what is wrong and what to write, without a password") {
  CHECK(http_fault("localhost:9000") ==
        "upstream is 'localhost:9000'; it does not start with a scheme, such as http:// or redis://; write "
        "http://HOST:PORT");
  CHECK(http_fault("ftp://x") == "upstream is 'ftp://x'; the scheme is ftp, not http; write http://HOST:PORT");
  CHECK(http_fault("http://h:70000") ==
        "upstream is 'http://h:70000'; the port is 70000; it must be 1 to 65535; write http://HOST:PORT");
  CHECK(http_fault("http://h/x") ==
        "upstream is 'http://h/x'; it has a path, which must be left out; write http://HOST:PORT");
  CHECK(http_fault("http://h,g") ==
        "upstream is 'http://h,g'; it has several hosts, and must have one; write http://HOST:PORT");
  CHECK(http_fault("http://u:hidden@h") ==
        "upstream is '...@h'; it cannot have a user and a password, which end with an @; write http://HOST:PORT");
  const std::string fault = http_fault("http://a\n\x1b[31mb" + std::string(10'000, 'x'));
  CHECK(fault.find('\n') == std::string::npos);
  CHECK(fault.find('\x1b') == std::string::npos);
  CHECK(fault.size() < 500);
}

TEST_CASE("what is percent-encoded is decoded to the same text") {
  const std::string text = "a@b:c/d?e#f%g h\n\xc3\xa9~";
  CHECK(parse_url("r://u:" + percent_encoded(text) + "@h").password == text);
}
