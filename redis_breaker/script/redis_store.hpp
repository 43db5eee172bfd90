// A RedisStore keeps breakers in Redis: each request runs the script (arguments.lua and the other seven files) once, in
// one round trip. A script that Redis has forgotten is loaded again. One object serves all breakers of a policy.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "redis_breaker/redis/client.hpp"
#include "redis_breaker/script/script_call.hpp"

namespace cb {

class RedisStore final : public StateStore {
 public:
  // `client` must outlive it. `instance` names the reporter of failures, for minimum_reporting_instances. A random
  // suffix distinguishes instances of one name.
  RedisStore(redis::Client& client, const Policy& policy, const std::string& instance,
             Script script = breaker_script_source());

  StoreName name() const override { return {"redis", "Redis"}; }

  // The public keys of a breaker are cb:NAME:state, :failures and :last_failure.
  StoreResult apply(const std::string& breaker, const LastKnown& known, const std::vector<Event>& events,
                    Writes writes = Writes::if_changed) override;

  std::unique_ptr<ChangeFeed> watch(size_t node, const std::vector<std::string>& services) override;

 private:
  redis::Client& client_;
  const ScriptCaller caller_;
  std::once_flag eviction_checked_;
};

}  // namespace cb
