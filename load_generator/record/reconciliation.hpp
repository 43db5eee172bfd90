// Reconciles two records of the same calls: what the instances report to have sent, and what the upstream's ledger says
// it received. A call in only one of them is unexplained, and a run with unexplained calls proves nothing. A call whose
// instance did not answer (killed, cut off) may be in the ledger or not, unless it never reached the instance.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "load_generator/record/run_record.hpp"

namespace load {

struct Account {
  std::string caller;
  uint64_t reported = 0;   // requests in the answers to calls
  uint64_t uncertain = 0;  // calls that may have reached the instance, but have no answer from it
  uint64_t received = 0;   // by the ledger
  uint64_t unexplained() const;
};

// One account per caller among the targets, in their order, then one for each other caller in the ledger. Nothing
// without a ledger.
std::optional<std::vector<Account>> reconcile(const Run& run);

uint64_t unexplained(const std::vector<Account>& accounts);

}  // namespace load
