#include "load_generator/live/fleet_snapshot.hpp"

#include <algorithm>

namespace load {
namespace {

CallCounts sum_of(const CallCounts& a, const CallCounts& b) {
  return {a.success + b.success, a.failure + b.failure, a.exception + b.exception, a.blocked + b.blocked};
}

}  // namespace

CallCounts ObservedInstance::calls() const { return sum_of(before_restarts, status.calls); }

CallCounts FleetSnapshot::calls() const {
  CallCounts sum;
  for (const ObservedInstance& instance : instances) sum = sum_of(sum, instance.calls());
  return sum;
}

LedgerEntry FleetSnapshot::received() const {
  LedgerEntry total;
  for (const auto& [caller, entry] : upstream.ledger) {
    total.received += entry.received;
    total.success += entry.success;
    total.failure += entry.failure;
    total.hang += entry.hang;
    total.drop += entry.drop;
  }
  return total;
}

std::string FleetSnapshot::agreement_text() const {
  std::string text;
  for (const State state : {State::open, State::half_open, State::closed, State::unknown}) {
    const auto count = std::count_if(lanes.begin(), lanes.end(), [state](const auto& lane) {
      return (lane.empty() ? State::unknown : lane.back().state) == state;
    });
    if (count == 0) continue;
    const std::string what = state == State::unknown ? "without an answer" : words_for(state);
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + what;
  }
  return text;
}

// The upstream knows an instance by the name in its /status, which need not be the unique one.
bool FleetSnapshot::is_cut_off(size_t target) const {
  const std::string& caller = instances[target].status.name;
  const auto& dropped = upstream.fault.dropped_callers;
  return !caller.empty() && std::find(dropped.begin(), dropped.end(), caller) != dropped.end();
}

std::string words_for(State state) { return state == State::half_open ? "half-open" : std::string(to_text(state)); }

}  // namespace load
