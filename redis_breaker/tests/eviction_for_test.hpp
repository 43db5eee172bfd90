// What a Redis server removes by itself, caused on purpose: chosen keys are evicted, or expire.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "redis_breaker/tests/shared_instance_for_test.hpp"

namespace cb {

inline std::vector<std::string> keys_of_breakers(TestRedis& redis) {
  std::istringstream list(redis.cli({"KEYS", "cb:*"}));
  std::vector<std::string> keys;
  for (std::string key; list >> key;) keys.push_back(key);
  return keys;
}

// Redis evicts these keys, and no others: under a volatile policy it evicts only keys that expire.
inline void evict(TestRedis& redis, const std::vector<std::string>& keys) {
  for (const std::string& key : keys_of_breakers(redis)) {
    const bool chosen = std::find(keys.begin(), keys.end(), key) != keys.end();
    if (!chosen) redis.cli({"PERSIST", key});
  }
  redis.cli({"CONFIG", "SET", "maxmemory-policy", "volatile-lru"});
  redis.cli({"CONFIG", "SET", "maxmemory", "1"});
  for (const std::string& key : keys) CHECK(eventually([&] { return redis.cli({"EXISTS", key}) == "0"; }));
  redis.cli({"CONFIG", "SET", "maxmemory", "0"});
}

inline void evict_everything(TestRedis& redis) { evict(redis, keys_of_breakers(redis)); }

// The shipped script, except that it reads the time from two keys that the test writes.
class HeldClock {
 public:
  explicit HeldClock(TestRedis& redis) : redis_(redis), script_(breaker_script_source()) {
    const std::string shipped = "redis.call('TIME')";
    const auto at = script_.source.find(shipped);
    REQUIRE(at != std::string::npos);
    script_.source.replace(at, shipped.size(), "redis.call('MGET', 'test:s', 'test:us')");
  }

  const Script& script() {
    script_.sha1 = redis_.cli({"SCRIPT", "LOAD", script_.source});
    set(now_);
    return script_;
  }

  void set(std::chrono::microseconds now) {
    now_ = now;
    redis_.cli({"MSET", "test:s", std::to_string(now.count() / 1'000'000), "test:us",
                std::to_string(now.count() % 1'000'000)});
  }
  void advance(std::chrono::microseconds by) { set(now_ + by); }

 private:
  TestRedis& redis_;
  Script script_;
  std::chrono::microseconds now_ = std::chrono::hours(24 * 365 * 50);
};

}  // namespace cb
