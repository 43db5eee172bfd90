// A StripedCounter counts the events of a breaker's present generation, and lets many threads count without waiting for
// each other: after the first collision of two threads, each core adds to a separate cache line.
// Thread-safe: every method. Each increment is returned exactly once, as one of its generation, or as one of an older
// one: by the addition that displaces it or by a take. Generation and count share a word, so no thread sees one without
// the other. Memory: 16 bytes; after the first collision, a kilobyte.
// Source: the striping is that of Java's LongAdder (Doug Lea).
#pragma once

#include <sched.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

namespace cb {

template <unsigned count_bits>  // of a word; the others hold the generation
class BasicStripedCounter {
 public:
  BasicStripedCounter() = default;
  BasicStripedCounter(const BasicStripedCounter&) = delete;
  BasicStripedCounter& operator=(const BasicStripedCounter&) = delete;
  ~BasicStripedCounter() { delete[] stripes_.load(); }

  struct Added {
    bool counted = false;  // false: another generation is being counted, or a take is overdue
    uint32_t older = 0;    // displaced increments of an older generation
  };

  // `is_current` says whether this generation is still the present one. It is called when another one was counted.
  template <class IsCurrent>
  Added add_one(uint64_t generation, const IsCurrent& is_current) {
    Stripe* stripes = stripes_.load(std::memory_order_acquire);
    if (stripes == nullptr) {
      if (const auto added = try_to_add(single_, generation, is_current)) return *added;
      stripes = grow();  // another thread was quicker
    }
    // The core affects only the speed: a thread that moves to another core meanwhile still counts once.
    std::atomic<uint64_t>& value = stripes[static_cast<unsigned>(sched_getcpu()) % count].value;
    while (true) {
      if (const auto added = try_to_add(value, generation, is_current)) return *added;
    }
  }

  struct Taken {
    uint32_t count = 0;  // of this generation
    uint32_t older = 0;  // of older generations
  };

  // The increments since the last take. `generation` must be the present one, or the one that is about to be.
  Taken take(uint64_t generation) {
    Taken taken;
    for_each(*this, [&](std::atomic<uint64_t>& value) {
      if (Word(value.load(std::memory_order_relaxed)).count() == 0) return;
      const Word all(value.exchange(0, std::memory_order_relaxed));
      (all.is_of(generation) ? taken.count : taken.older) += all.count();
    });
    return taken;
  }

  // True if there is nothing to take, apart from concurrent increments.
  bool is_empty() const {
    bool empty = true;
    for_each(*this, [&](const std::atomic<uint64_t>& value) {
      empty = empty && Word(value.load(std::memory_order_relaxed)).count() == 0;
    });
    return empty;
  }

 private:
  static constexpr unsigned count = 16;

  // The low bits of a generation, and a count. Which of two generations is newer cannot be read from such bits: one
  // that begins after a long stay may differ by any number of them.
  class Word {
   public:
    explicit Word(uint64_t bits) : bits_(bits) {}
    uint64_t bits() const { return bits_; }
    uint32_t count() const { return static_cast<uint32_t>(bits_ & most); }
    bool is_full() const { return count() == most; }
    bool is_of(uint64_t generation) const { return bits_ >> count_bits == tag(generation); }
    Word with_one_more(uint64_t generation) const {
      return Word(is_of(generation) ? bits_ + 1 : tag(generation) << count_bits | 1);
    }

   private:
    static constexpr uint64_t most = (uint64_t{1} << count_bits) - 1;
    static uint64_t tag(uint64_t generation) { return generation & (~uint64_t{0} >> count_bits); }
    uint64_t bits_;
  };

  // Nothing if another thread was quicker. Acquire and release: what is_current() reads is at least as new as the
  // generation that was counted.
  template <class IsCurrent>
  static std::optional<Added> try_to_add(std::atomic<uint64_t>& value, uint64_t generation,
                                         const IsCurrent& is_current) {
    uint64_t seen = value.load(std::memory_order_acquire);
    const Word word(seen);
    const bool same = word.is_of(generation);
    if (same ? word.is_full() : word.count() > 0 && !is_current()) return Added{};
    const uint64_t next = word.with_one_more(generation).bits();
    if (!value.compare_exchange_strong(seen, next, std::memory_order_release, std::memory_order_relaxed))
      return std::nullopt;
    return Added{true, same ? 0 : word.count()};
  }

  struct alignas(64) Stripe {
    std::atomic<uint64_t> value{0};
  };

  template <class Self, class Action>
  static void for_each(Self& self, const Action& action) {
    action(self.single_);
    auto* const stripes = self.stripes_.load(std::memory_order_acquire);
    for (unsigned i = 0; stripes != nullptr && i < count; ++i) action(stripes[i].value);
  }

  Stripe* grow() {
    auto mine = std::make_unique<Stripe[]>(count);
    Stripe* theirs = nullptr;
    return stripes_.compare_exchange_strong(theirs, mine.get(), std::memory_order_acq_rel) ? mine.release() : theirs;
  }

  std::atomic<uint64_t> single_{0};        // used until the first collision
  std::atomic<Stripe*> stripes_{nullptr};  // used after it
};

// Two generations have the same 36 bits if they begin a multiple of 19 hours apart, to the microsecond. A count of 28
// bits is full after seconds at full speed.
using StripedCounter = BasicStripedCounter<28>;

}  // namespace cb
