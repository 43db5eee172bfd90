// A StripedCounter counts from many threads at once without making them wait for each other: each core adds to a cache
// line of its own, and only who wants the sum pays for reading them all.
// Thread-safe: every method. What take() returned is counted exactly once. Memory: 64 bytes for each of at most 16
// cores.
// Source: the striping is that of Java's LongAdder (Doug Lea).
#pragma once

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

namespace cb {

class StripedCounter {
 public:
  StripedCounter() : stripes_(new Stripe[count()]) {}

  // Which core this is decides only how fast it goes: a thread that moves meanwhile still counts once.
  void add_one() {
    stripes_[static_cast<unsigned>(sched_getcpu()) % count()].value.fetch_add(1, std::memory_order_relaxed);
  }

  // The sum of what was added since the last time.
  uint32_t take() {
    uint32_t sum = 0;
    for (unsigned i = 0; i < count(); ++i) sum += stripes_[i].value.exchange(0, std::memory_order_relaxed);
    return sum;
  }

 private:
  struct alignas(64) Stripe {
    std::atomic<uint32_t> value{0};
  };

  static unsigned count() {
    static const unsigned cores = std::clamp(std::thread::hardware_concurrency(), 1U, 16U);
    return cores;
  }

  std::unique_ptr<Stripe[]> stripes_;
};

}  // namespace cb
