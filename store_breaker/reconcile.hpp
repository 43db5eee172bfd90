// Before events are applied to a record, what the store has is reconciled with what the caller knows. Absence is not an
// order: a record that a store lost, or a store that went back to an older one, must not close an open circuit, while
// one that a person deleted is a reset. The rules are those of redis_breaker/script/reconcile.lua, without those for
// keys that other programs write. Pure; nothing here throws.
#pragma once

#include <cstdint>

#include "simple_breaker/policy.hpp"
#include "store_breaker/record_store.hpp"

namespace cb {

struct Reconciled {
  Record record;  // generation 0: there is nothing yet, and no need to create it
  Transitions transitions{};
  bool forgotten = false;  // the store had removed the record by itself; it was restored
};

// `only_looks`: the events are a Tick, so a breaker that does not exist is not created. `random`: of this write; it
// keeps the generations apart that continue a lost line twice.
struct ReconcileInput {
  const Found& found;
  const LastKnown& known;
  const Policy& policy;
  TimePoint now;
  uint64_t random = 0;
  bool only_looks = false;
};

Reconciled reconcile(const ReconcileInput& input);

}  // namespace cb
