// A PushStatus records whether an instance is notified of what is written to one Redis node. The one thread that is
// subscribed to that node writes it, every call reads it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "redis_breaker/cached_core.hpp"
#include "simple_breaker/clock.hpp"

namespace cb {

struct PushStatus {
  explicit PushStatus(size_t number) : node(number) {}
  const size_t node;
  std::atomic<uint64_t> session{0};          // a new number for each subscription; 0: not subscribed
  std::atomic<uint64_t> run{0};              // of the server that is subscribed to: see redis::Origin
  std::atomic<SteadyTime> confirmed_at{{}};  // by the coarse clock: every change up to this time has been received

  Feed feed() const { return {node, session.load(), wall_time(confirmed_at.load())}; }
};

}  // namespace cb
