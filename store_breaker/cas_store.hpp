// A CasStore is a StateStore over any RecordStore: it reads a breaker's record, applies the C++ table to all events,
// and writes the result if no other writer was quicker; otherwise it begins again with what that writer left, until the
// deadline. Where the store has a clock, its time counts, otherwise the fleet's.
// Thread-safe: every method. One object serves all breakers of a policy. It does not combine the events of several
// callers: a CachedCore does, and asks once at a time.
// Limit: of several breakers with one name in a process, each learns of a transition at once, but what the others
// change within a generation, such as a count, it learns at its next exchange or poll.
// Invariants: an event that was answered is in the record once; generations and versions never repeat.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "simple_breaker/clock.hpp"
#include "store_breaker/cas_exchange.hpp"
#include "store_breaker/feed/record_feed.hpp"
#include "store_breaker/feed/seen_records.hpp"
#include "store_breaker/fleet_clock.hpp"
#include "store_breaker/record_store.hpp"

namespace cb {

class CasStore final : public StateStore {
 public:
  struct Settings {
    std::string instance;                    // names the reporter of failures; a random suffix makes it unique
    std::chrono::milliseconds timeout{250};  // of one apply(), all tries together; never 0
    Clock clock = steady_wall_clock;         // must never go back
    uint64_t seed = std::random_device{}();  // must differ between instances
  };
  CasStore(std::shared_ptr<RecordStore> store, const Policy& policy, Settings settings);

  StoreName name() const override;

  StoreResult apply(const std::string& breaker, const LastKnown& known, const std::vector<Event>& events,
                    Writes writes = Writes::if_changed) override;

  std::unique_ptr<ChangeFeed> watch(size_t node, const std::vector<std::string>& services) override;
  std::chrono::milliseconds between_polls() const override;

  // What optimism costs. conflicts / exchanges: how often another writer was quicker.
  struct Counters {
    uint64_t exchanges = 0;
    uint64_t conflicts = 0;
    uint64_t most_tries = 0;  // of one exchange
  };
  Counters counters() const;

 private:
  StoreResult try_until_written(const std::string& breaker, CasExchange exchange, uint64_t& tries);
  FleetClock::Reading time_of(const std::string& breaker, const Found& found);
  uint64_t next_version();
  RecordFeed::Meaning meaning_of(const RecordChange& change, uint64_t run);
  RecordFeed::Meaning meaning_of(const std::string& breaker, const Record& record, TimePoint now);
  void back_off(uint64_t tries, StoreDeadline began, StoreDeadline deadline);

  const std::shared_ptr<RecordStore> store_;
  const Settings settings_;
  const CasInstance instance_;
  FleetClock fleet_clock_;
  SeenRecords seen_;

  std::mutex mutex_;
  std::mt19937_64 random_;  // guarded by mutex_

  std::atomic<uint64_t> exchanges_{0};
  std::atomic<uint64_t> conflicts_{0};
  std::atomic<uint64_t> most_tries_{0};
};

}  // namespace cb
