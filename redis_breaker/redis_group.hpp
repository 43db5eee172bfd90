// The breakers of one policy in one process, shared through Redis.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "redis_breaker/script/redis_store.hpp"
#include "redis_breaker/shared_breaker_group.hpp"

namespace cb {

// `client` must outlive the group, `instance` is as for RedisStore. Throws as require_valid() does.
inline std::shared_ptr<const SharedBreakerGroup> redis_group(redis::Client& client, const Policy& policy,
                                                             Listener listener = {}, const std::string& instance = "",
                                                             Script script = breaker_script_source()) {
  auto store = std::make_unique<RedisStore>(client, policy, instance, std::move(script));
  return std::make_shared<const SharedBreakerGroup>(std::move(store), policy, std::move(listener));
}

}  // namespace cb
