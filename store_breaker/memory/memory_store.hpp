// A MemoryStore keeps records in this process: for tests, and to read first, as every other store does the same over a
// network. Its clock and its watches are those of a store that has everything. Thread-safe: every method.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>

#include "simple_breaker/clock.hpp"
#include "store_breaker/record_store.hpp"

namespace cb {

class MemoryStore final : public RecordStore {
 public:
  // No clock: a store without one.
  explicit MemoryStore(Clock clock = steady_wall_clock) : clock_(std::move(clock)) {}

  std::variant<Found, StoreTrouble> read(const std::string& breaker, StoreDeadline deadline) override;
  std::variant<Written, StoreTrouble> compare_and_set(const std::string& breaker, uint64_t expected,
                                                      const Record& record, StoreDeadline deadline) override;
  std::variant<std::unique_ptr<RecordWatch>, StoreTrouble> watch() override;
  std::chrono::milliseconds poll_interval() const override { return std::chrono::seconds(5); }
  std::string name() const override { return "memory:"; }

  // What only another program, or a person, could do to a store.
  void put_text(const std::string& breaker, std::string text);
  void erase(const std::string& breaker);
  void lose_everything();  // and be another store from now on

 private:
  class Watch;
  struct Stored {
    uint64_t version = 0;
    std::string text;
    uint64_t change = 0;  // the number of its last change
  };
  void changed(Stored& stored);

  const Clock clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Stored> stored_;  // guarded by mutex_, like everything below; erased: without text
  uint64_t changes_ = 0;
  uint64_t run_ = 1;
};

}  // namespace cb
