// Two accounts of the same calls: what the instances said they did, and what the upstream's ledger says it received.
// A call that only one of them knows is a call that nobody can explain; a lab whose books do not balance proves
// nothing. A caller that got no answer from its instance (killed, cut off) cannot know: such a call may be in the
// ledger or not.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "load_generator/record/run_record.hpp"

namespace load {

struct Account {
  std::string caller;
  uint64_t told = 0;       // requests that the answered calls say they made
  uint64_t uncertain = 0;  // no answer from the instance
  uint64_t received = 0;   // by the ledger
  uint64_t unexplained() const;
};

// One account per caller among the targets, in their order, then one per other in the ledger. Nothing without a ledger.
std::optional<std::vector<Account>> reconcile(const Run& run);

uint64_t unexplained(const std::vector<Account>& accounts);

}  // namespace load
