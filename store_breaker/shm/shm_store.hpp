// shm:NAME: records in memory that all processes of one user on one host share. A shared breaker without a server: the
// embedded default. Pushes arrive by futex, in some 50 microseconds; the clock is the host's. The file is
// /dev/shm/circuit_breaker.NAME, which lasts until the host starts again or someone removes it. Removed while in use,
// it is a store that lost its data: within a second, each process is in the new one. Thread-safe: every method.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "store_breaker/record_store.hpp"
#include "store_breaker/shm/segment.hpp"

namespace cb {

class ShmStore final : public RecordStore {
 public:
  // `name`: 1 to 64 characters of A-Z a-z 0-9 _ -, otherwise throws std::invalid_argument. Throws as Segment does.
  explicit ShmStore(const std::string& name);

  std::variant<Found, StoreTrouble> read(const std::string& breaker, StoreDeadline deadline) override;
  std::variant<Written, StoreTrouble> compare_and_set(const std::string& breaker, uint64_t expected,
                                                      const Record& record, StoreDeadline deadline) override;
  std::variant<std::unique_ptr<RecordWatch>, StoreTrouble> watch() override;
  std::chrono::milliseconds poll_interval() const override { return std::chrono::seconds(5); }
  std::string name() const override { return "shm:" + name_; }

 private:
  class Watch;
  std::variant<std::shared_ptr<Segment>, StoreTrouble> segment();

  const std::string name_;
  std::mutex mutex_;
  std::shared_ptr<Segment> segment_;  // guarded by mutex_, like everything below
  StoreDeadline check_at_{};          // whether its file is still there
};

}  // namespace cb
