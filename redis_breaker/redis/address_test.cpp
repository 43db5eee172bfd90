#include "redis_breaker/redis/address.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

using namespace cb;

namespace {

std::string fault_of(const std::string& url) {
  try {
    redis::parse_url(url);
    return "";
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("a URL is parsed, and printed without its password") {
  const redis::Address address = redis::parse_url("redis://app:s%40cret@cache.example:6380/2");
  CHECK(address.host == "cache.example");
  CHECK(address.port == 6380);
  CHECK(address.user == "app");
  CHECK(address.password == "s@cret");
  CHECK(address.database == 2);
  CHECK(address.to_text() == "redis://app:***@cache.example:6380/2");
  CHECK(redis::parse_url("redis://:pw@[::1]").host == "::1");
  CHECK(redis::parse_url("redis://localhost").port == 6379);
  CHECK(redis::parse_url("unix:///run/redis.sock").socket == "/run/redis.sock");
}

TEST_CASE("a Sentinel URL is parsed with the name of the master") {
  const redis::Address address = redis::parse_url("redis+sentinel://app:s%40cret@a.example:1,b,[::1]:3/my-master.1/2");
  CHECK(address.kind == redis::Address::Kind::sentinel);
  CHECK(address.hosts == std::vector<redis::Endpoint>{{"a.example", 1}, {"b", 26379}, {"::1", 3}});
  CHECK(address.master == "my-master.1");
  CHECK(address.password == "s@cret");
  CHECK(address.database == 2);
  CHECK(address.to_text() == "redis+sentinel://app:***@a.example:1,b:26379,[::1]:3/my-master.1/2");
  CHECK(redis::parse_url("redis+sentinel://h/m").database == 0);
}

TEST_CASE("the nodes of a cluster URL are parsed") {
  const redis::Address address = redis::parse_url("redis+cluster://:s%40cret@a.example:1,b");
  CHECK(address.kind == redis::Address::Kind::cluster);
  CHECK(address.hosts == std::vector<redis::Endpoint>{{"a.example", 1}, {"b", 6379}});
  CHECK(address.to_text() == "redis+cluster://:***@a.example:1,b:6379");
  CHECK(redis::parse_url("redis+cluster://h:1/").hosts.size() == 1);
}

TEST_CASE("rediss in place of redis means over TLS") {
  for (const std::string rest : {"://h:1/2", "+sentinel://a:1,b:2/m/0", "+cluster://a:1,b:2"}) {
    CHECK_FALSE(redis::parse_url("redis" + rest).tls);
    CHECK(redis::parse_url("rediss" + rest).tls);
    CHECK(redis::parse_url("rediss" + rest).at({"c", 3}).tls);
  }
}

TEST_CASE("a printed URL can be parsed again") {
  for (const std::string url :
       {"redis://[::1]:6379/3", "redis+sentinel://a:1,[::1]:2/m/4", "redis+cluster://a:1,b:2", "rediss://h:1/0",
        "rediss+sentinel://h:1/m/0", "rediss+cluster://h:1", "unix:///run/redis.sock"}) {
    CHECK(redis::parse_url(url).to_text() == url);
  }
}

TEST_CASE("an invalid URL is refused without printing the password") {
  for (const std::string bad : {"",
                                "localhost",
                                "http://x",
                                "redis://",
                                "redis://h:99999",
                                "redis://h/x",
                                "redis://u:hidden%zz@h",
                                "unix://relative",
                                "redis://:hidden@h:port",
                                "redis://hidden:hidden",
                                "redis://:hidden@h1,h2",
                                "redis://:hidden@h/1/2",
                                "redis+sentinel://:hidden@h",
                                "redis+sentinel://:hidden@h/",
                                "redis+sentinel://:hidden@h/a b",
                                "redis+sentinel://:hidden@h/m/x",
                                "redis+sentinel://:hidden@h,/m",
                                "redis+sentinel://:hidden@,h/m",
                                "redis+cluster://:hidden@h/0",
                                "redis+cluster://:hidden@h/hidden",
                                "redis+cluster://:hidden@h:0x1",
                                "redis+cluster://",
                                "redis+other://h",
                                "redis+sentinel://:hid@den@h/m",
                                "redis://:hidden@h:1:2"}) {
    CAPTURE(bad);
    const std::string fault = fault_of(bad);
    CHECK(fault.rfind("redis: ", 0) == 0);
    CHECK(fault.find("hidden") == std::string::npos);
    CHECK(fault.find('\n') == std::string::npos);
  }
}

TEST_CASE("the size of a URL is limited") {
  std::string hosts = "h0";
  for (int i = 1; i < 16; ++i) hosts += ",h" + std::to_string(i);
  CHECK(redis::parse_url("redis+cluster://" + hosts).hosts.size() == 16);
  CHECK(fault_of("redis+cluster://" + hosts + ",one-more") == "redis: name at most 16 hosts");
  CHECK_FALSE(fault_of("redis+cluster://" + std::string(5000, ',')).empty());
  CHECK_FALSE(fault_of("redis://" + std::string(5000, 'a')).empty());
  CHECK(fault_of("redis://" + std::string(63, 'a')).empty());
}

TEST_CASE("the error names the missing or superfluous part") {
  CHECK(fault_of("redis+sentinel://h:1").find("the name that the Sentinels use for the master") != std::string::npos);
  CHECK(fault_of("redis+cluster://h:1/3").find("a cluster has no databases") != std::string::npos);
  CHECK(fault_of("redis://a,b").find("redis+sentinel:// or redis+cluster://") != std::string::npos);
}

TEST_CASE("a refused URL says which part is wrong") {
  CHECK(fault_of("localhost:6379") == "redis: it does not start with a scheme, such as http:// or redis://");
  CHECK(fault_of("http://h") ==
        "redis: the scheme http:// is none of redis://, redis+sentinel://, redis+cluster:// (rediss in place of redis: "
        "over TLS) and unix://");
  CHECK(fault_of("redis://h:0") == "redis: the port is 0; it must be 1 to 65535");
  CHECK(fault_of("redis://h/x") == "redis: the database is not a whole number");
  CHECK(fault_of("redis://h/1000001") == "redis: the database is 1000001; it must be 0 to 1000000");
  CHECK(fault_of("redis+cluster://a:1,b:70000,c") == "redis: host 2 of 3: the port is 70000; it must be 1 to 65535");
  CHECK(fault_of("redis://::1:6379") == "redis: an IPv6 address needs brackets, as in [::1]:80");
}

TEST_CASE("a host name may have an underscore, a scheme capitals, and a printed user is encoded again") {
  CHECK(redis::parse_url("redis://cache_1:1").host == "cache_1");
  CHECK(redis::parse_url("redis+sentinel://sentinel_1,sentinel_2/m").hosts[1] == redis::Endpoint{"sentinel_2", 26379});
  CHECK(redis::parse_url("REDISS+Cluster://node_1").hosts[0] == redis::Endpoint{"node_1", 6379});
  CHECK(redis::parse_url("redis://a%40b:secret@h").to_text() == "redis://a%40b:***@h:6379/0");
}
