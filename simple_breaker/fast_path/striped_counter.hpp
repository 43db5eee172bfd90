// A StripedCounter counts from many threads at once without making them wait for each other: once two have met, each
// core adds to a cache line of its own, and only who wants the sum pays for reading them all.
// Thread-safe: every method. What take() returned is counted exactly once. Memory: 16 bytes; after the first time that
// two threads met, a kilobyte. Of many counters few are ever that busy.
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
      uint32_t seen = alone_.load(std::memory_order_relaxed);
      if (alone_.compare_exchange_strong(seen, seen + 1, std::memory_order_relaxed)) return;
      stripes = grow();  // somebody was quicker
    }
    // Which core this is decides only how fast it goes: a thread that moves meanwhile still counts once.
    stripes[static_cast<unsigned>(sched_getcpu()) % count].value.fetch_add(1, std::memory_order_relaxed);
  }

  // The sum of what was added since the last time.
  uint32_t take() {
    uint32_t sum = alone_.exchange(0, std::memory_order_relaxed);
    Stripe* const stripes = stripes_.load(std::memory_order_acquire);
    for (unsigned i = 0; stripes != nullptr && i < count; ++i) {
      sum += stripes[i].value.exchange(0, std::memory_order_relaxed);
    }
    return sum;
  }

  // Whether take() would return 0, but for what is added meanwhile.
  bool is_empty() const {
    if (alone_.load(std::memory_order_relaxed) != 0) return false;
    const Stripe* const stripes = stripes_.load(std::memory_order_acquire);
    for (unsigned i = 0; stripes != nullptr && i < count; ++i) {
      if (stripes[i].value.load(std::memory_order_relaxed) != 0) return false;
    }
    return true;
  }

 private:
  static constexpr unsigned count = 16;

  struct alignas(64) Stripe {
    std::atomic<uint32_t> value{0};
  };

  Stripe* grow() {
    auto mine = std::make_unique<Stripe[]>(count);
    Stripe* theirs = nullptr;
    return stripes_.compare_exchange_strong(theirs, mine.get(), std::memory_order_acq_rel) ? mine.release() : theirs;
  }

  std::atomic<uint32_t> alone_{0};         // until two threads have met
  std::atomic<Stripe*> stripes_{nullptr};  // and then
};

}  // namespace cb
