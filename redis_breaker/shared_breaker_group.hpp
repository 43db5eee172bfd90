// What the breakers of one policy in one process share, so that many of them cost little.
#pragma once

#include <memory>
#include <utility>

#include "redis_breaker/state_store.hpp"
#include "redis_breaker/sync/store_gate.hpp"
#include "redis_breaker/sync/synchronizer.hpp"
#include "simple_breaker/circuit_breaker.hpp"
#include "simple_breaker/notices/notice_queue.hpp"
#include "simple_breaker/policy.hpp"

namespace cb {

// The constructor throws as require_valid() does.
struct SharedBreakerGroup {
  SharedBreakerGroup(std::unique_ptr<StateStore> its_store, const Policy& settings, Listener on_notice = {})
      : local(std::make_shared<const BreakerConfig>(settings)),
        policy(local->policy),
        listener(shared(std::move(on_notice))),
        store(std::move(its_store)),
        gate(std::make_unique<StoreGate>(store->name(), listener)),
        synchronizer(std::make_unique<Synchronizer>(*store, *gate)) {}

  const std::shared_ptr<const BreakerConfig> local;  // of the breakers that are used while the store is unavailable
  const Policy& policy;
  const std::shared_ptr<SharedListener> listener;  // nothing: none
  const std::unique_ptr<StateStore> store;
  const std::unique_ptr<StoreGate> gate;  // in front of it
  const std::unique_ptr<Synchronizer> synchronizer;
};

}  // namespace cb
