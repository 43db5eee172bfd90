// Random events for two implementations of the transition table, which must give the same replies and hold the same
// snapshots. Thresholds are small and instants few, so that boundaries are hit all the time.
#pragma once

#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "simple_breaker/traces/trace.hpp"

namespace cb {

class RandomEvents {
 public:
  explicit RandomEvents(unsigned seed);

  const Policy& policy() const { return policy_; }
  TimePoint now() const { return now_; }  // both tables begin then

  // Applies one event to both. Returns how they differ; empty: they do not.
  std::string step(Table& one, Table& other);

  const std::map<std::string, unsigned>& causes() const { return causes_; }  // of transitions, and how often
  unsigned would_have_tripped() const { return would_have_tripped_; }

 private:
  int number(int least, int most);
  std::chrono::milliseconds time(int least, int most) { return std::chrono::milliseconds(number(least, most)); }
  bool sometimes() { return dice_() % 2 == 0; }
  std::chrono::microseconds pick(const std::vector<std::chrono::microseconds>& from);
  Policy random_policy();
  Event random_event();
  Settle random_result();
  ApplyOverride random_override();
  void note(const Reply& reply);

  std::mt19937 dice_;
  TimePoint now_;
  const Policy policy_;
  const unsigned mostly_;  // of 8 calls that fail
  std::vector<PermitId> permits_;
  std::map<std::string, unsigned> causes_;
  unsigned would_have_tripped_ = 0;
};

}  // namespace cb
