// A Ledger counts what the upstream really received, in total and per caller: the ground truth of every comparison.
// Thread-safe: every method. Invariant: the total is the sum over the callers.
// Callers send their own names, so names are cut to 64 plain characters, and callers beyond the first 1000 are counted
// together as "(others)": no header can make the ledger grow without bound.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "unreliable_service/fault_plan.hpp"

namespace unreliable {

// How many requests met each fate.
class Counts {
 public:
  void add(Fate fate) { ++by_fate_.at(static_cast<size_t>(fate)); }
  uint64_t of(Fate fate) const { return by_fate_.at(static_cast<size_t>(fate)); }
  uint64_t received() const;

 private:
  std::array<uint64_t, 4> by_fate_{};
};

struct LedgerPage {
  Counts total;
  std::map<std::string, Counts> callers;
};

class Ledger {
 public:
  void enter(std::string_view caller, Fate fate);  // an empty caller is "(unknown)"
  LedgerPage page() const;
  void clear();

 private:
  mutable std::mutex mutex_;
  LedgerPage page_;  // guarded by mutex_
};

}  // namespace unreliable
