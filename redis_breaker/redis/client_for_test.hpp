// A Redis server for one test, and commands to it as with redis-cli.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "program/processes/redis_server.hpp"
#include "redis_breaker/redis/client.hpp"
#include "simple_breaker/breaker.hpp"

namespace cb {

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

inline Permit permit(Breaker& breaker) { return std::get<Permit>(breaker.acquire()); }

struct TestRedis {
  program::PrivateRedis server;
  redis::Client client{redis::parse_url(server.url()), std::chrono::seconds(5)};

  // The reply as text: "" for nil, list items joined by spaces. Fails the test if Redis reports an error.
  std::string cli(const std::vector<std::string>& command) {
    const redis::Reply reply = client.command(command);
    REQUIRE_MESSAGE(reply.error().empty(), command[0] << ": " << reply.error());
    return text_of(*reply);
  }

  // The number of writes since Redis started; it does not save to disk.
  long writes() {
    const std::string info = cli({"INFO", "persistence"});
    const std::string field = "rdb_changes_since_last_save:";
    return std::stol(info.substr(info.find(field) + field.size()));
  }

 private:
  static std::string text_of(const redisReply& reply) {
    if (reply.type == REDIS_REPLY_INTEGER) return std::to_string(reply.integer);
    if (reply.type != REDIS_REPLY_ARRAY) return reply.str == nullptr ? "" : std::string(reply.str, reply.len);
    std::string all;
    for (size_t i = 0; i < reply.elements; ++i) all += (i == 0 ? "" : " ") + text_of(*reply.element[i]);
    return all;
  }
};

}  // namespace cb
