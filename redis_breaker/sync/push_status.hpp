// A PushStatus records whether an instance notices what is written to one node of the store, by its feed or by polling.
// The synchronizer writes it, every call reads it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "redis_breaker/cached_core.hpp"
#include "simple_breaker/clock.hpp"

namespace cb {

struct PushStatus {
  static constexpr uint64_t any_run = UINT64_MAX;  // polled: a question always reaches the server that has the data

  explicit PushStatus(size_t number) : node(number) {}
  const size_t node;
  std::atomic<uint64_t> session{0};          // a new number for each feed; 0: none
  std::atomic<uint64_t> run{0};              // of the server that the feed announces: see Origin
  std::atomic<SteadyTime> confirmed_at{{}};  // by the coarse clock: every change up to this time has been received

  Feed feed() const { return {node, session.load(), wall_time(confirmed_at.load())}; }
};

}  // namespace cb
