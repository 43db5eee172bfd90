// A RecordFeed announces the changes of a RecordStore to the instance's synchronizer: a thread waits for them, reads
// what has changed, and says what that means. So a circuit that one process opened rejects the next call in all others.
// Belongs to one thread, as each ChangeFeed does.
#pragma once

#include <atomic>
#include <functional>
#include <map>
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
  // What a record means to an instance. Called on the feed's thread; nothing: the record was deleted, or is not valid.
  using Read = std::function<std::variant<std::optional<News>, StoreTrouble>(const std::string& breaker)>;

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
  void announce(const std::string& breaker);
  void fail(const StoreTrouble& trouble);
  std::optional<SteadyTime> take_check();

  const std::unique_ptr<RecordWatch> watch_;
  const std::vector<std::string> services_;
  const uint64_t run_ = 0;
  const Read read_;
  const program::WakeFd wake_;
  std::map<std::string, uint64_t> announced_;  // generations; only the thread uses it
  mutable std::mutex mutex_;
  Changes changes_;                     // guarded by mutex_, like everything below
  std::optional<SteadyTime> check_at_;  // it has been asked for
  std::string error_;
  std::atomic<bool> is_stopped_{false};
  std::thread thread_;
};

}  // namespace cb
