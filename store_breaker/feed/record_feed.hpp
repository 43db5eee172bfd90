// A RecordFeed announces the changes of a RecordStore to the instance's synchronizer: a thread waits for them, reads
// what has changed if the change does not bring it, and says what that means. So a circuit that one process opened
// rejects the next call in all others. Belongs to one thread, as each ChangeFeed does.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "program/wake_fd.hpp"
#include "store_breaker/record_store.hpp"

namespace cb {

class RecordFeed final : public ChangeFeed {
 public:
  // What a change means to an instance.
  struct Counted {};  // no more than that successes must be reported
  struct Known {};    // nothing: this version was announced, or it has seen or written it in the same generation
  struct Gone {};     // the record was deleted, or is not valid
  using Meaning = std::variant<News, Counted, Known, Gone, StoreTrouble>;
  using Read = std::function<Meaning(const RecordChange&)>;  // called on the feed's thread

  // Of the breakers of these services, and of their tenants. `run`: the store's.
  RecordFeed(std::unique_ptr<RecordWatch> watch, std::vector<std::string> services, uint64_t run, Read read);
  explicit RecordFeed(const StoreTrouble& trouble) : error_(trouble.what) {}
  ~RecordFeed() override;

  std::string error() const override;
  uint64_t run() const override { return run_; }
  int fd() const override { return wake_.fd(); }
  Changes take() override;
  Check check(const std::string& breaker) override;

 private:
  void work();
  bool wait_once(std::optional<SteadyTime> check);
  void announce(const RecordChange& change);
  void fail(const StoreTrouble& trouble);
  std::optional<SteadyTime> take_check();

  const std::unique_ptr<RecordWatch> watch_;
  const std::vector<std::string> services_;
  const uint64_t run_ = 0;
  const Read read_;
  const program::WakeFd wake_;
  mutable std::mutex mutex_;
  Changes changes_;                     // guarded by mutex_, like everything below
  std::optional<SteadyTime> check_at_;  // it has been asked for
  std::string error_;
  std::atomic<bool> is_stopped_{false};
  std::thread thread_;
};

}  // namespace cb
