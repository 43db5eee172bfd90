// What a node of a Redis Cluster says where a key is another node's, and which of the 16384 slots a key is in.
// Source: "Redis cluster specification", redis.io: key distribution, MOVED and ASK.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "redis_breaker/redis/address.hpp"

namespace cb::redis {

constexpr size_t slot_count = 16384;

// `tag`: the key, or what stands in its first {}.
uint16_t slot_of(std::string_view tag);

struct Redirection {
  enum class Kind { moved, ask };  // for good, or for the next command only
  Kind kind = Kind::moved;
  uint16_t slot = 0;
  Endpoint to;
};

// Nothing where this error is none. `from` is who said it: where no host is named, its own is meant.
std::optional<Redirection> redirection_in(const std::string& error, const Endpoint& from);

}  // namespace cb::redis
