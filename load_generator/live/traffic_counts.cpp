#include "load_generator/live/traffic_counts.hpp"

namespace load {

void LiveTraffic::read_ledger(Offset now, const Ledger& ledger) {
  uint64_t received = 0;
  uint64_t failed = 0;
  for (const auto& [caller, entry] : ledger) {
    received += entry.received;
    failed += entry.failure + entry.hang + entry.drop;
  }
  go_on_to(now);
  steps_.back().upstream_calls += added(received_, received);
  steps_.back().upstream_failures += added(failed_, failed);
}

void LiveTraffic::read_blocked(Offset now, size_t target, uint64_t blocked) {
  go_on_to(now);
  steps_.back().blocked += added(blocked_[target], blocked);
}

void LiveTraffic::go_on_to(Offset now) {
  const auto wanted = static_cast<size_t>(now / step) + 1;
  if (wanted > first_ + steps_.size() + most_steps) {  // nothing was read for longer than is kept
    steps_.clear();
    first_ = wanted - most_steps;
  }
  while (first_ + steps_.size() < wanted) steps_.emplace_back();
  while (steps_.size() > most_steps) {
    steps_.pop_front();
    first_ += 1;
  }
}

uint64_t LiveTraffic::added(std::optional<uint64_t>& last, uint64_t count) {
  const uint64_t before = last.value_or(count);
  last = count;
  return count >= before ? count - before : count;
}

}  // namespace load
