// A StripedCounter lets many threads count without waiting for each other: after the first collision of two threads,
// each core adds to a separate cache line, and only a reader of the sum pays for reading them all.
// Thread-safe: every method. take() returns each increment exactly once. Memory: 16 bytes; after the first collision, a
// kilobyte. Few of many counters are ever that busy.
// Source: the striping is that of Java's LongAdder (Doug Lea).
#pragma once

#include <sched.h>

#include <atomic>
#include <cstdint>
#include <memory>

namespace cb {

class StripedCounter {
 public:
  StripedCounter() = default;
  StripedCounter(const StripedCounter&) = delete;
  StripedCounter& operator=(const StripedCounter&) = delete;
  ~StripedCounter() { delete[] stripes_.load(); }

  void add_one() {
    Stripe* stripes = stripes_.load(std::memory_order_acquire);
    if (stripes == nullptr) {
      uint64_t seen = single_.load(std::memory_order_relaxed);
      if (single_.compare_exchange_strong(seen, seen + 1, std::memory_order_relaxed)) return;
      stripes = grow();  // another thread was quicker
    }
    // The core affects only the speed: a thread that moves to another core meanwhile still counts once.
    stripes[static_cast<unsigned>(sched_getcpu()) % count].value.fetch_add(1, std::memory_order_relaxed);
  }

  // The increments since the last call.
  uint64_t take() {
    uint64_t sum = single_.exchange(0, std::memory_order_relaxed);
    Stripe* const stripes = stripes_.load(std::memory_order_acquire);
    for (unsigned i = 0; stripes != nullptr && i < count; ++i) {
      sum += stripes[i].value.exchange(0, std::memory_order_relaxed);
    }
    return sum;
  }

  // True if take() would return 0, apart from concurrent increments.
  bool is_empty() const {
    if (single_.load(std::memory_order_relaxed) != 0) return false;
    const Stripe* const stripes = stripes_.load(std::memory_order_acquire);
    for (unsigned i = 0; stripes != nullptr && i < count; ++i) {
      if (stripes[i].value.load(std::memory_order_relaxed) != 0) return false;
    }
    return true;
  }

 private:
  static constexpr unsigned count = 16;

  struct alignas(64) Stripe {
    std::atomic<uint64_t> value{0};
  };

  Stripe* grow() {
    auto mine = std::make_unique<Stripe[]>(count);
    Stripe* theirs = nullptr;
    return stripes_.compare_exchange_strong(theirs, mine.get(), std::memory_order_acq_rel) ? mine.release() : theirs;
  }

  std::atomic<uint64_t> single_{0};        // used until the first collision
  std::atomic<Stripe*> stripes_{nullptr};  // used after it
};

}  // namespace cb
