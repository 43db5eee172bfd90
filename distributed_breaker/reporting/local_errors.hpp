// LocalErrors counts the upstream calls that failed for a local cause, which a breaker ignores, and logs them: a
// process that has no descriptor left for its calls has an operator's problem, though every circuit stays closed.
// Thread-safe: every method. Logs at most one line a second, with the number of errors since the line before.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace cb {

class LocalErrors {
 public:
  using Time = std::chrono::steady_clock::time_point;

  void record(const std::string& cause, Time now = std::chrono::steady_clock::now());
  uint64_t count() const { return count_; }

 private:
  std::atomic<uint64_t> count_{0};
  std::mutex mutex_;
  uint64_t logged_ = 0;  // guarded by mutex_, and so is the time
  Time silent_until_{};
};

}  // namespace cb
