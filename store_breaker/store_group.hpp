// The breakers of one policy in one process, shared through a store that can compare-and-set.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "redis_breaker/shared_breaker_group.hpp"
#include "store_breaker/cas_store.hpp"

namespace cb {

// `instance` is as for CasStore::Settings. Throws as require_valid() does.
inline std::shared_ptr<const SharedBreakerGroup> store_group(std::shared_ptr<RecordStore> records, const Policy& policy,
                                                             Listener listener = {}, std::string instance = "") {
  auto store =
      std::make_unique<CasStore>(std::move(records), policy, CasStore::Settings{.instance = std::move(instance)});
  return std::make_shared<const SharedBreakerGroup>(std::move(store), policy, std::move(listener));
}

}  // namespace cb
