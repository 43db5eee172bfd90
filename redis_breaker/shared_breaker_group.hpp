// What the breakers of one policy in one process share, so that many of them cost little.
#pragma once

#include <memory>
#include <string>

#include "redis_breaker/redis/client.hpp"
#include "redis_breaker/script/redis_store.hpp"
#include "redis_breaker/sync/store_gate.hpp"
#include "redis_breaker/sync/synchronizer.hpp"
#include "simple_breaker/circuit_breaker.hpp"
#include "simple_breaker/notices/notice_queue.hpp"
#include "simple_breaker/policy.hpp"

namespace cb {

// The constructor throws as require_valid() does.
struct SharedBreakerGroup {
  SharedBreakerGroup(redis::Client& client, const Policy& settings, Listener on_notice = {},
                     const std::string& instance = "", Script script = breaker_script_source())
      : local(std::make_shared<const BreakerConfig>(settings)),
        policy(local->policy),
        listener(shared(std::move(on_notice))),
        store(std::make_unique<RedisStore>(client, policy, instance, std::move(script))),
        gate(std::make_unique<StoreGate>(listener)),
        synchronizer(std::make_unique<Synchronizer>(client, *gate)) {}

  const std::shared_ptr<const BreakerConfig> local;  // of the breakers that are used while Redis is unavailable
  const Policy& policy;
  const std::shared_ptr<SharedListener> listener;  // nothing: none
  const std::unique_ptr<StateStore> store;
  const std::unique_ptr<StoreGate> gate;  // in front of it
  const std::unique_ptr<Synchronizer> synchronizer;
};

}  // namespace cb
