// The commands of a VirtualRedis, held to those of a real server by random sequences.
#include <doctest/doctest.h>

#include <array>
#include <sstream>

#include "load_generator/simulation/redis/compared_servers_for_test.hpp"

using namespace simulation;

namespace {

// A letter stands for a random argument: K key, V value, N name of a field or member, I integer, F score, B bound of
// scores, L and E length of life (always long or over, so that no test waits). All others are sent as they are.
constexpr std::array templates{
    "GET K",
    "GET K K",
    "SET K V",
    "SET K V PX L",
    "set K V px L",
    "SET K V V",
    "INCR K",
    "MGET K",
    "MGET K K K",
    "HGETALL K",
    "HSET K N V",
    "HSET K N V N V",
    "HSET K N V N",
    "HDEL K N",
    "HDEL K N N N",
    "ZADD K F N",
    "ZADD K F N F N",
    "ZADD K F N F",
    "ZCOUNT K B B",
    "ZREM K N",
    "ZREM K N N",
    "ZREMRANGEBYRANK K I I",
    "ZREMRANGEBYSCORE K B B",
    "ZRANGE K I I",
    "ZRANGE K I I WITHSCORES",
    "ZRANGE K I I V",
    "PEXPIRE K E",
    "PEXPIRE K L",
    "PTTL K",
    "TYPE K",
    "DEL K",
    "DEL K K",
    "PING",
    "PING V",
    "HINCRBY K",
    "GET",
    "ZADD K",
};
// More often than their share: what makes the state that the others work on.
constexpr std::array usual{"SET K V PX L", "HSET K N V N V", "ZADD K F N F N", "ZADD K F N F N", "PEXPIRE K L"};
constexpr std::array rare{"FLUSHALL",     "FLUSHDB",        "FLUSHALL ASYNC",   "FLUSHALL V",
                          "SCRIPT FLUSH", "SCRIPT NO-SUCH", "CONFIG RESETSTAT", "EVALSHA 0123 0"};

constexpr std::array keys{"cb:a", "cb:b", "cb:c", "cb:d"};
// Left out is what differs between Redis 6 and 8: fractions that are not exact in binary, spaces in numbers, and times
// near the end of time. No value is longer than 64 bytes: a hash with such values has another order.
constexpr std::array names{"one", "two", "three", "3", ""};
constexpr std::array values{"", "v", "12", "PX", "a text of several words"};
constexpr std::array integers{"0", "1", "2", "-1", "-2", "-3", "7", "999", "x", "1.5", "01", "-0"};
constexpr std::array scores{"0",   "1",   "-1", "1.5", "0.25", "1700000000000000", "inf", "-inf",
                            "1e3", "nan", "x",  " 1",  ""};
constexpr std::array bounds{"0", "(0", "1", "(1", "1.5", "(1.5", "-inf", "+inf", "inf", "(1700000000000000",
                            "x", "(x", "-1"};
constexpr std::array lengths{"5000000", "5000000", "9000000000", "0", "-1", "x", "99999999999999999999"};
constexpr std::array expiries{"5000000", "0", "-1", "-9223372036854775807", "x"};

// Its reply does not show how many subscribers there are: a virtual server does not know.
constexpr const char* publish_and_set = R"(
  redis.call('SET', KEYS[1], 1 / 4)
  redis.call('PUBLISH', 'cb:news', ARGV[1])
  redis.call('PUBLISH', 'cb:news', 'second')
  redis.call('DEL', KEYS[1])
  return redis.call('SET', KEYS[1], 1700000000000000))";

std::string argument(const std::string& word, Choices& choose) {
  if (word == "K") return choose.of(keys);
  if (word == "V") return choose.of(values);
  if (word == "N") return choose.of(names);
  if (word == "I") return choose.of(integers);
  if (word == "F") return choose.of(scores);
  if (word == "B") return choose.of(bounds);
  if (word == "L") return choose.of(lengths);
  if (word == "E") return choose.of(expiries);
  return word;
}

std::vector<std::string> random_command(Choices& choose) {
  std::istringstream words(choose.one_in(40)  ? choose.of(rare)
                           : choose.one_in(3) ? choose.of(usual)
                                              : choose.of(templates));
  std::vector<std::string> command;
  for (std::string word; words >> word;) command.push_back(argument(word, choose));
  return command;
}

// As a client sends it, or as a script does.
std::vector<std::string> random_request(Choices& choose) {
  if (choose.one_in(20)) return {"EVAL", publish_and_set, "1", choose.of(keys), choose.of(values)};
  std::vector<std::string> command = random_command(choose);
  if (choose.one_in(2)) return command;
  const char* const script = choose.one_in(2) ? "return redis.call(unpack(ARGV))" : "return redis.pcall(unpack(ARGV))";
  command.insert(command.begin(), {"EVAL", script, "0"});
  return command;
}

void check_all_keys(ComparedServers& servers) {
  for (const std::string key : keys) {
    servers.check({"TYPE", key});
    servers.check({"PTTL", key});
    servers.check({"GET", key});
    servers.check({"EVAL", "local h = redis.pcall('HGETALL', KEYS[1]); table.sort(h); return h", "1", key});
    servers.check({"ZRANGE", key, "0", "-1", "WITHSCORES"});
  }
}

}  // namespace

TEST_CASE("random commands have the replies, the pushes and the data of a real server") {
  ComparedServers servers("cb:news");
  const unsigned sequences = events_to_compare(1000);
  for (unsigned seed = 1; seed <= sequences; ++seed) {
    CAPTURE(seed);
    Choices choose(seed);
    servers.check({"FLUSHALL"});
    for (int i = 0; i < 20; ++i) {
      servers.check(random_request(choose));
    }
    check_all_keys(servers);
  }
}
