#include "load_generator/live/traffic_counts.hpp"

namespace load {

void TrafficCounts::record_ledger(Offset now, const Ledger& ledger) {
  uint64_t received = 0;
  uint64_t failed = 0;
  uint64_t silent = 0;
  for (const auto& [caller, entry] : ledger) {
    received += entry.received;
    failed += entry.failure + entry.hang + entry.drop;
    silent += entry.hang + entry.drop;
  }
  advance_to(now);
  steps_.back().upstream_calls += added(received_, received);
  steps_.back().upstream_failures += added(failed_, failed);
  steps_.back().upstream_unanswered += added(silent_, silent);
}

void TrafficCounts::record_calls(Offset now, size_t target, const CallCounts& calls) {
  advance_to(now);
  steps_.back().blocked += added(blocked_[target], calls.blocked);
  steps_.back().unanswered += added(unanswered_[target], calls.exception);
}

void TrafficCounts::advance_to(Offset now) {
  const auto wanted = static_cast<size_t>(now / step) + 1;
  if (wanted > first_ + steps_.size() + most_steps) {  // nothing was recorded for more than two minutes
    steps_.clear();
    first_ = wanted - most_steps;
  }
  while (first_ + steps_.size() < wanted) steps_.emplace_back();
  while (steps_.size() > most_steps) {
    steps_.pop_front();
    first_ += 1;
  }
}

uint64_t TrafficCounts::added(std::optional<uint64_t>& last, uint64_t count) {
  const uint64_t before = last.value_or(count);
  last = count;
  return count >= before ? count - before : count;
}

}  // namespace load
