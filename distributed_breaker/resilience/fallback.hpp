// A FallbackSource has an answer for the call that got none: a fixed one, or the latest good one.
// Thread-safe: every method. It holds one answer of at most 64 KiB, whatever happens.
// An old answer is given with its age and never expires: how old is too old, only who reads it knows.
// Source: Nygard, Release It!, ch. 5; Hystrix's fallbacks.
#pragma once

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "distributed_breaker/resilience/call_policy.hpp"
#include "distributed_breaker/resilience/deadline.hpp"

namespace cb {

struct FallbackAnswer {
  std::string body;
  std::chrono::milliseconds age{0};  // since it was a good answer; 0: the fixed one
};

class FallbackSource {
 public:
  static constexpr size_t longest_body = 64 * 1024;

  explicit FallbackSource(const CallPolicy& policy) : kind_(policy.fallback), fixed_(policy.fallback_answer) {}

  // A longer body than the longest is not kept; the one before it stays. So does a newer one than this: calls overtake
  // each other.
  void remember(const std::string& body, SteadyTime now) {
    if (kind_ != Fallback::last_good || body.size() > longest_body) return;
    const std::scoped_lock lock(mutex_);
    if (last_good_ && last_good_->at > now) return;
    last_good_ = Remembered{body, now};
  }

  // Nothing: no fallback was asked for, or no good answer has been seen yet.
  std::optional<FallbackAnswer> answer(SteadyTime now) const {
    if (kind_ == Fallback::fixed) return FallbackAnswer{.body = fixed_};
    const std::scoped_lock lock(mutex_);
    if (!last_good_) return std::nullopt;
    const auto age = std::max(now - last_good_->at, SteadyTime::duration::zero());
    return FallbackAnswer{last_good_->body, std::chrono::duration_cast<std::chrono::milliseconds>(age)};
  }

 private:
  struct Remembered {
    std::string body;
    SteadyTime at;
  };

  const Fallback kind_;
  const std::string fixed_;
  mutable std::mutex mutex_;
  std::optional<Remembered> last_good_;  // guarded by mutex_
};

}  // namespace cb
