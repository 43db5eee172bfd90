// The MOVED and ASK replies of a cluster node for a key that another node stores, and the 16384 slots of keys.
// Source: "Redis cluster specification", redis.io: key distribution, MOVED and ASK.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "redis_breaker/redis/address.hpp"

namespace cb::redis {

constexpr size_t slot_count = 16384;

// `tag` is the key, or the part inside its first {}.
uint16_t slot_of(std::string_view tag);

struct Redirection {
  enum class Kind { moved, ask };  // permanent, or for the next command only
  Kind kind = Kind::moved;
  uint16_t slot = 0;
  Endpoint to;
};

// Nothing if the error is not a redirection. `from` is the node that sent it: a redirection without a host means the
// same host.
std::optional<Redirection> redirection_in(const std::string& error, const Endpoint& from);

}  // namespace cb::redis
